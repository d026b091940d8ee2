import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshError } from "../util/errors.ts";
import { loadDefinitions } from "./crds.ts";

test("an image without definitions says how it is built with them", async () => {
  await assert.rejects(
    loadDefinitions("/nonexistent"),
    (error) =>
      error instanceof MeshError && error.code === "MESH0801" && /make setup/.test(error.hint),
  );
});
