export { Any } from "../../../any.ts";
