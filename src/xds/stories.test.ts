import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { configurationOf } from "../testing/configuration.ts";
import { stories } from "../testing/story.ts";

const toYaml = (value: unknown): string =>
  stringify(value, { aliasDuplicateObjects: false, sortMapEntries: true });

for (const { name, directory, model, views } of stories())
  for (const view of views)
    test(`${name}: what ${view.workload} is sent`, (t) => {
      const seen = configurationOf(model.mesh(model.engine), view);
      const file = `${view.workload.replace("/", ".")}.yaml`;
      t.assert.fileSnapshot(seen, join(directory, "xds", file), { serializers: [toYaml] });
    });
