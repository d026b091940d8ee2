import type { Report } from "../api/codes.ts";
import type { Context } from "../store/engine.ts";
import type { Inputs } from "./inputs.ts";
import type { Mesh } from "./ir/mesh.ts";

/** One look at an object in the company of the others. */
export interface Check {
  readonly cx: Context;
  readonly from: Inputs;
  readonly mesh: Mesh;
  readonly report: Report;
}
