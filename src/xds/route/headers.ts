import type { HeaderOperations } from "../../model/ir/route.ts";
import type { HeaderValueOption } from "../../proto/gen/envoy/config/core/v3/base.ts";

interface Operated {
  requestHeadersToAdd?: HeaderValueOption[];
  requestHeadersToRemove?: string[];
  responseHeadersToAdd?: HeaderValueOption[];
  responseHeadersToRemove?: string[];
}

interface Operations {
  readonly requestHeaders?: HeaderOperations | undefined;
  readonly responseHeaders?: HeaderOperations | undefined;
}

/** Header operations in order; routes, virtual hosts and weighted clusters share these fields. */
export function headerOperations(all: readonly Operations[]): Operated {
  const request = all.flatMap(({ requestHeaders }) => requestHeaders ?? []);
  const response = all.flatMap(({ responseHeaders }) => responseHeaders ?? []);
  return {
    ...some("requestHeadersToAdd", request.flatMap(additions)),
    ...some("requestHeadersToRemove", removals(request)),
    ...some("responseHeadersToAdd", response.flatMap(additions)),
    ...some("responseHeadersToRemove", removals(response)),
  };
}

const some = <Field extends keyof Operated, T>(field: Field, values: T[]) =>
  values.length === 0 ? {} : ({ [field]: values } as Record<Field, T[]>);

const additions = ({ set, add }: HeaderOperations): HeaderValueOption[] => [
  ...sorted(set).map(([key, value]) => option(key, value, "OVERWRITE_IF_EXISTS_OR_ADD")),
  ...sorted(add).map(([key, value]) => option(key, value, "APPEND_IF_EXISTS_OR_ADD")),
];

const sorted = (values: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));

const option = (
  key: string,
  value: string,
  appendAction: NonNullable<HeaderValueOption["appendAction"]>,
): HeaderValueOption => ({ header: { key, value }, appendAction });

const removals = (operations: readonly HeaderOperations[]): string[] =>
  [...new Set(operations.flatMap(({ remove }) => remove))].sort();
