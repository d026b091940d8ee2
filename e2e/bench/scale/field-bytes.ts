/** Which fields a message's bytes are: a field costs what its message is shorter without it. */

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** By path, where the elements of a list are one, and so are the entries of a map. */
export type Paths = Map<string, number>;

interface Place {
  readonly path: string;
  /** The whole message with something else at the place, or with nothing. */
  readonly with: (value: unknown) => unknown;
}

/**
 * Adds a message's bytes to those that are known by path.
 *
 * @param size of the message when it is encoded
 */
export function addFieldBytes(
  into: Paths,
  message: object,
  size: (message: object) => number,
): void {
  const whole = size(message);
  const visit = (value: Json, { path, with: replaced }: Place): void => {
    for (const [field, inner] of Object.entries(value)) {
      if (field === "@type") continue;
      const isList = Array.isArray(value);
      const at = isList ? `${path}[]` : `${path}.${/[./]/.test(field) ? "*" : field}`;
      const without = isList
        ? value.filter((_, i) => String(i) !== field)
        : Object.fromEntries(Object.entries(value).filter(([name]) => name !== field));
      into.set(at, (into.get(at) ?? 0) + whole - size(replaced(without) as object));
      if (isObject(inner))
        visit(inner, {
          path: at,
          with: (other) =>
            replaced(
              isList
                ? value.map((one: unknown, i) => (String(i) === field ? other : one))
                : { ...value, [field]: other },
            ),
        });
    }
  };
  visit(message as Json, { path: "", with: (other) => other });
}
