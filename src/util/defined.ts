type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** An empty list or text is none: the API's wire format does not tell the two apart. */
export function filled<T extends { readonly length: number }>(value: T | undefined): T | undefined {
  return value?.length ? value : undefined;
}

/** The fields that have a value: an optional field is absent, never `undefined`. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
