import { podName, type Route } from "./server.ts";
import { get, propagated } from "./upstream.ts";

export interface Review {
  readonly reviewer: string;
  readonly text: string;
  readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
}

export interface Reviews {
  readonly id: string;
  readonly version: string;
  readonly podname: string;
  readonly clustername: string;
  readonly reviews: readonly Review[];
}

const written: readonly Review[] = [
  {
    reviewer: "Reviewer1",
    text: "An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!",
  },
  {
    reviewer: "Reviewer2",
    text: "Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare.",
  },
];

/** v1 shows no stars, v2 black ones, v3 red ones. */
const COLORS: Readonly<Record<string, string>> = { v2: "black", v3: "red" };

export function reviews(version: string, ratingsUrl: string): readonly Route[] {
  const color = COLORS[version];
  return [
    {
      method: "GET",
      path: /^\/reviews\/(\d+)$/,
      handle: async ({ captured: [id = "0"], headers }) => {
        const rate = color
          ? await rater(`${ratingsUrl}/ratings/${id}`, color, propagated(headers))
          : undefined;
        const body: Reviews = {
          id,
          version,
          podname: podName,
          clustername: process.env["CLUSTER_NAME"] ?? "",
          reviews: rate ? written.map(rate) : written,
        };
        return { headers: { "x-reviews-version": version }, body };
      },
    },
  ];
}

/** How to put stars on a review; without ratings the reviews are still shown. */
async function rater(
  url: string,
  color: string,
  headers: Readonly<Record<string, string>>,
): Promise<(review: Review) => Review> {
  const answer = await get(url, headers);
  if (!answer.ok)
    return (review) => ({
      ...review,
      rating: { error: "Ratings service is currently unavailable" },
    });
  const { ratings } = answer.body as { ratings: Record<string, number> };
  return (review) => ({ ...review, rating: { stars: ratings[review.reviewer] ?? 0, color } });
}
