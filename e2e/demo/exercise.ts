/** An exercise of the guide: the demo shows it, and an end-to-end test runs the same. */
import type { Cluster } from "../harness/cluster.ts";
import type { HttpClient } from "../harness/http.ts";

/** What an exercise needs whose requests all come from a pod. */
export interface InnerLab {
  readonly cluster: Cluster;
  /** Where the samples run. */
  readonly namespace: string;
  /** Tells what was applied and what was measured. */
  readonly say: (line: string) => void;
}

export interface Lab extends InnerLab {
  /** Speaks to bookinfo through the ingress gateway. */
  readonly ingress: HttpClient;
}

export interface Exercise {
  readonly title: string;
  /** The page to follow by hand. */
  readonly page: string;
  /** @throws AssertionError or Error with what was seen, if it is not what the page promises */
  readonly run: (lab: Lab) => Promise<void>;
}
