/** An exercise of the guide: the demo shows it, and an end-to-end test runs the same. */
import type { Cluster } from "../harness/cluster.ts";
import type { HttpClient } from "../harness/http.ts";

export interface Lab {
  readonly cluster: Cluster;
  /** Where bookinfo runs. */
  readonly namespace: string;
  /** Speaks to bookinfo through the ingress gateway. */
  readonly ingress: HttpClient;
  /** Tells what was applied and what was measured. */
  readonly say: (line: string) => void;
}

export interface Exercise {
  readonly title: string;
  /** The page to follow by hand. */
  readonly page: string;
  /** @throws AssertionError or Error with what was seen, if it is not what the page promises */
  readonly run: (lab: Lab) => Promise<void>;
}
