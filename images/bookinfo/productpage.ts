import { page } from "./page.ts";
import type { Reviews } from "./reviews.ts";
import type { Request, Response, Route } from "./server.ts";
import { type Answer, get, propagated } from "./upstream.ts";

const COOKIE = "bookinfo-user";

const products = [
  {
    id: 0,
    title: "The Comedy of Errors",
    description:
      "The Comedy of Errors is one of William Shakespeare's early plays. It is his shortest and one of his most farcical comedies.",
  },
];

interface Upstreams {
  readonly details: string;
  readonly reviews: string;
}

/**
 * What a person sees, and the same as JSON under `/api/v1`. Whoever signed in (any name, no
 * password) is passed on as the header `end-user`, which the routing exercise matches on.
 */
export function productpage(upstreams: Upstreams): readonly Route[] {
  const detailsOf = (id: string, request: Request) =>
    get(`${upstreams.details}/details/${id}`, outgoing(request));
  const reviewsOf = (id: string, request: Request) =>
    get(`${upstreams.reviews}/reviews/${id}`, outgoing(request));
  return [
    { method: "GET", path: /^\/$/, handle: () => redirect("/productpage") },
    {
      method: "GET",
      path: /^\/productpage$/,
      handle: async (request) => {
        const [details, reviews] = await Promise.all([
          detailsOf("0", request),
          reviewsOf("0", request),
        ]);
        const body = page({ product: products[0], user: userOf(request), details, reviews });
        return {
          headers: { "content-type": "text/html; charset=utf-8", ...versionOf(reviews) },
          body,
        };
      },
    },
    { method: "POST", path: /^\/login$/, handle: logIn },
    { method: "*", path: /^\/logout$/, handle: () => redirect("/productpage", "") },
    { method: "GET", path: /^\/api\/v1\/products$/, handle: () => ({ body: products }) },
    {
      method: "GET",
      path: /^\/api\/v1\/products\/(\d+)$/,
      handle: async (request) => json(await detailsOf(request.captured[0] ?? "0", request)),
    },
    {
      method: "GET",
      path: /^\/api\/v1\/products\/(\d+)\/reviews$/,
      handle: async (request) => json(await reviewsOf(request.captured[0] ?? "0", request)),
    },
  ];
}

function userOf({ headers }: Request): string | undefined {
  const cookies = (headers.cookie ?? "").split(/;\s*/);
  const mine = cookies.find((cookie) => cookie.startsWith(`${COOKIE}=`));
  return mine ? decodeURIComponent(mine.slice(COOKIE.length + 1)) : undefined;
}

/** The page alone says who the user is: a header of that name from outside is not believed. */
function outgoing(request: Request): Record<string, string> {
  const { "end-user": _, ...headers } = propagated(request.headers);
  const user = userOf(request);
  return user ? { ...headers, "end-user": user } : headers;
}

function logIn({ body }: Request): Response {
  return redirect("/productpage", new URLSearchParams(body).get("username") ?? "");
}

function redirect(location: string, user?: string): Response {
  const expires = user === "" ? "; Max-Age=0" : "";
  const cookie =
    user === undefined
      ? {}
      : {
          "set-cookie": `${COOKIE}=${encodeURIComponent(user)}; Path=/; HttpOnly; SameSite=Lax${expires}`,
        };
  return { status: 302, headers: { location, ...cookie } };
}

function json(answer: Answer): Response {
  return answer.ok
    ? { status: answer.status, headers: versionOf(answer), body: answer.body }
    : { status: answer.status, body: { error: answer.error } };
}

function versionOf(reviews: Answer): Record<string, string> {
  const version = reviews.ok ? (reviews.body as Partial<Reviews>).version : undefined;
  return version ? { "x-reviews-version": version } : {};
}
