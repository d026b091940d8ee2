import type { Route } from "./server.ts";

const book = {
  author: "William Shakespeare",
  year: 1595,
  type: "paperback",
  pages: 200,
  publisher: "PublisherA",
  language: "English",
  "ISBN-10": "1234567890",
  "ISBN-13": "123-1234567890",
};

export const details: readonly Route[] = [
  {
    method: "GET",
    path: /^\/details\/(\d+)$/,
    handle: ({ captured: [id] }) => ({ body: { id: Number(id), ...book } }),
  },
];
