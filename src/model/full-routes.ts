import type { Context } from "../store/engine.ts";
import { withDelegates } from "./delegation.ts";
import type { Inputs } from "./inputs.ts";
import type { HttpRoutes } from "./ir/route.ts";
import type { VirtualService } from "./istio/virtual-service.ts";
import { isVisible } from "./visibility.ts";

/** An object's routing, with the rules that it leaves to others. */
export function fullRoutes(cx: Context, from: Inputs, object: VirtualService): HttpRoutes {
  const { routes, delegations, namespace } = object;
  if (delegations.length === 0) return routes;
  const rules = withDelegates(routes.rules, delegations, (key) => {
    const delegate = cx.get(from.virtualServices, key)?.value;
    return delegate && isVisible(delegate, namespace) ? delegate.routes.rules : undefined;
  });
  return { ...routes, rules };
}
