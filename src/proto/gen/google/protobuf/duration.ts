export { Duration } from "../../../duration.ts";
