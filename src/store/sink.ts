/** Where a reflector puts what it sees. One call is one batch: readers see all of it or none. */
export interface Sink<T> {
  /** The whole world, after a list: what is not in it is gone. */
  replace(objects: readonly T[]): void;
  upsert(object: T): void;
  /** @param key `namespace/name`, or `name` for a cluster-scoped kind */
  remove(key: string): void;
}
