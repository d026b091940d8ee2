export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Which fields of an object one manager has applied. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFields[];
}

/** Any object of the Kubernetes API; kinds that keep their content elsewhere extend it. */
export interface KubeObject<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Spec;
  readonly status?: Status;
}

/** How messages name an object: `VirtualService shop/reviews`. */
export function objectName({ kind, metadata }: KubeObject): string {
  return `${kind} ${objectKey({ metadata })}`;
}

/** `namespace/name`, or `name` alone where the kind is cluster-scoped. */
export function objectKey({ metadata }: { readonly metadata: ObjectMeta }): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}
