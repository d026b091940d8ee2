/** The product page as HTML. */
import type { Review, Reviews } from "./reviews.ts";
import type { Answer } from "./upstream.ts";

export interface PageContent {
  readonly product: { readonly title: string; readonly description: string } | undefined;
  readonly user: string | undefined;
  readonly details: Answer;
  readonly reviews: Answer;
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
header,footer{display:flex;gap:1rem;align-items:center;justify-content:space-between}
main{display:grid;grid-template-columns:1fr 2fr;gap:2rem}blockquote{margin:0 0 1.5rem}cite{color:#555}
dt{font-weight:600}dd{margin:0 0 .5rem}.error{color:#a00}.stars{font-size:1.4rem;letter-spacing:.1em}`;

export function page({ product, user, details, reviews }: PageContent): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escape(product?.title ?? "Bookinfo")}</title><style>${STYLE}</style></head>
<body>
<header><strong>Bookinfo</strong>${session(user)}</header>
<h1>${escape(product?.title ?? "")}</h1>
<p>${escape(product?.description ?? "")}</p>
<main>
<section><h2>Book details</h2>${bookDetails(details)}</section>
<section><h2>Reviews</h2>${bookReviews(reviews)}</section>
</main>
</body>
</html>
`;
}

function session(user: string | undefined): string {
  return user
    ? `<form method="post" action="/logout">${escape(user)} <button>Sign out</button></form>`
    : `<form method="post" action="/login"><input name="username" placeholder="Name" required> <button>Sign in</button></form>`;
}

function bookDetails(details: Answer): string {
  if (!details.ok) return unavailable("Details", details);
  const entries = Object.entries(details.body as Record<string, unknown>).filter(
    ([key]) => key !== "id",
  );
  return `<dl>${entries.map(([key, value]) => `<dt>${escape(key)}</dt><dd>${escape(String(value))}</dd>`).join("")}</dl>`;
}

function bookReviews(answer: Answer): string {
  if (!answer.ok) return unavailable("Reviews", answer);
  const { reviews, version, podname } = answer.body as Reviews;
  return `${reviews.map(bookReview).join("")}<footer><small>reviews ${escape(version)}, served by ${escape(podname)}</small></footer>`;
}

function bookReview({ reviewer, text, rating }: Review): string {
  return `<blockquote><p>${escape(text)}</p><cite>${escape(reviewer)}</cite>${rating ? stars(rating) : ""}</blockquote>`;
}

function stars({
  stars: count = 0,
  color = "black",
  error,
}: NonNullable<Review["rating"]>): string {
  if (error) return `<p class="error">${escape(error)}</p>`;
  const shown = "★".repeat(count) + "☆".repeat(Math.max(0, 5 - count));
  return `<p class="stars" style="color:${escape(color)}" aria-label="${count} of 5 stars">${shown}</p>`;
}

function unavailable(what: string, { status }: Answer): string {
  return `<p class="error">${what} are currently unavailable (${status}).</p>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
