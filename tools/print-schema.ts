/** The part of OpenAPI v2/v3 that Kubernetes schemas use. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly unknown[];
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/** Finds what a `$ref` names. */
export type Resolve = (
  reference: string,
) => { readonly name: string; readonly schema: Schema } | undefined;

const SCALARS: Readonly<Record<string, string>> = {
  string: "string",
  integer: "number",
  number: "number",
  boolean: "boolean",
};

const capital = (text: string): string =>
  text.charAt(0).toUpperCase() +
  text.slice(1).replace(/[^A-Za-z0-9](.)/g, (_, c) => c.toUpperCase());

const isIdentifier = (text: string): boolean => /^[A-Za-z_$][\w$]*$/.test(text);

/** Turns schemas into interfaces: one per object, named by the path that leads to it. */
export class Printer {
  readonly #resolve: Resolve;
  readonly #declared = new Map<string, string>();

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  /** Declares an exported interface (or alias, where the schema is no object) once. */
  declare(name: string, schema: Schema): void {
    if (this.#declared.has(name)) return;
    // Reserved first, so that a schema that refers to itself ends.
    this.#declared.set(name, "");
    const body = schema.properties
      ? `export interface ${name} {\n${this.#fields(name, schema)}}\n`
      : `export type ${name} = ${this.#type(name, schema)};\n`;
    this.#declared.set(name, comment(schema.description, "") + body);
  }

  text(): string {
    return [...this.#declared.values()].join("\n");
  }

  #fields(owner: string, { properties = {}, required = [] }: Schema): string {
    return Object.entries(properties)
      .map(([field, schema]) => {
        const type = this.#type(owner + capital(field), schema);
        const key = isIdentifier(field) ? field : JSON.stringify(field);
        const optional = required.includes(field) ? "" : "?";
        return `${comment(schema.description, "  ")}  readonly ${key}${optional}: ${type};\n`;
      })
      .join("");
  }

  #type(path: string, schema: Schema): string {
    if (schema.$ref !== undefined) return this.#reference(schema.$ref);
    if (schema["x-kubernetes-int-or-string"] || schema.format === "int-or-string")
      return "number | string";
    if (schema.enum !== undefined)
      return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
    if (schema.type === "array") return arrayOf(this.#type(path, schema.items ?? {}));
    return this.#object(path, schema) ?? SCALARS[schema.type ?? ""] ?? "unknown";
  }

  #object(path: string, schema: Schema): string | undefined {
    if (schema.properties !== undefined) {
      this.declare(path, schema);
      return path;
    }
    const { additionalProperties } = schema;
    if (typeof additionalProperties === "object")
      return `Readonly<Record<string, ${this.#type(path, additionalProperties)}>>`;
    return schema.type === "object" ? "Readonly<Record<string, unknown>>" : undefined;
  }

  #reference(reference: string): string {
    const target = this.#resolve(reference);
    if (target === undefined) throw new RangeError(`nothing is known of ${reference}`);
    this.declare(target.name, target.schema);
    return target.name;
  }
}

const arrayOf = (item: string): string =>
  item.includes(" ") ? `readonly (${item})[]` : `readonly ${item}[]`;

function comment(description: string | undefined, indent: string): string {
  if (!description) return "";
  const text = description
    .split(/\n\s*\n/)[0]
    ?.replace(/\s+/g, " ")
    .replaceAll("*/", "*\\/")
    .trim();
  return `${indent}/** ${text} */\n`;
}
