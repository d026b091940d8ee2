import type { Route } from "./server.ts";

type Stars = Readonly<Record<string, number>>;

/** Keeps what was posted in memory: a sample, not a database. */
export function ratings(): readonly Route[] {
  const stored = new Map<string, Stars>();
  const path = /^\/ratings\/(\d+)$/;
  const of = (id = "0"): Stars => stored.get(id) ?? { Reviewer1: 5, Reviewer2: 4 };
  return [
    {
      method: "GET",
      path,
      handle: ({ captured: [id] }) => ({ body: { id: Number(id), ratings: of(id) } }),
    },
    {
      method: "POST",
      path,
      handle: ({ captured: [id = "0"], body }) => {
        stored.set(id, parseStars(body));
        return { body: { id: Number(id), ratings: of(id) } };
      },
    },
  ];
}

function parseStars(body: string): Stars {
  const given = Object.entries(JSON.parse(body) as Record<string, unknown>);
  return Object.fromEntries(given.map(([reviewer, stars]) => [reviewer, Number(stars)]));
}
