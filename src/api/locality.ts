/** Where something runs, as the cluster's own labels say it. */
import { LOCALITY, TOPOLOGY_REGION, TOPOLOGY_SUBZONE, TOPOLOGY_ZONE } from "./labels.ts";

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone?: string;
}

type Labels = Readonly<Record<string, string>>;

export function nodeLocality(labels: Labels = {}): Locality {
  const { [TOPOLOGY_REGION]: region = "", [TOPOLOGY_ZONE]: zone = "" } = labels;
  const subzone = labels[TOPOLOGY_SUBZONE];
  return { region, zone, ...(subzone && { subzone }) };
}

/** What a pod's own label says in place of its node; labels have no slashes, so dots part it. */
export function podLocality(labels: Labels = {}): Locality | undefined {
  const label = labels[LOCALITY];
  return label === undefined ? undefined : parseLocality(label.replaceAll(".", "/"));
}

export function parseLocality(text: string): Locality {
  const [region = "", zone = "", subzone] = text.split("/");
  return { region, zone, ...(subzone && { subzone }) };
}

/** Empty: nothing is known. */
export function localityText({ region, zone, subzone = "" }: Locality): string {
  return [region, zone, subzone].join("/").replace(/\/+$/, "");
}
