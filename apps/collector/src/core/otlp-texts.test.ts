import { create } from "@bufbuild/protobuf";
import { AnyValueSchema, KeyValueSchema } from "@glassline/proto/otlp/common";
import type { AnyValue } from "@glassline/proto/otlp/common";
import { expect, test } from "vitest";

import { textsOf } from "./otlp.ts";

const text = (value: string): AnyValue =>
  create(AnyValueSchema, { value: { case: "stringValue", value } });
const attribute = (key: string, value: AnyValue) => create(KeyValueSchema, { key, value });

test("attributes that are lists and maps are shown as JSON", () => {
  const list = create(AnyValueSchema, {
    value: {
      case: "arrayValue",
      value: {
        values: [
          text("a"),
          create(AnyValueSchema, {
            value: { case: "kvlistValue", value: { values: [attribute("k", text('"'))] } },
          }),
        ],
      },
    },
  });
  expect(textsOf([attribute("z", list), attribute("a", text("plain"))])).toEqual({
    a: "plain",
    z: '["a",{"k":"\\""}]',
  });
});

test("attributes that are nested deeply, long or many cost little and are cut", () => {
  let nested = text('"');
  for (let depth = 0; depth < 90; depth++)
    nested = create(AnyValueSchema, {
      value: { case: "arrayValue", value: { values: [nested] } },
    });
  const many = Array.from({ length: 500 }, (_, at) => attribute(`k${at}`, text("v")));
  const shown = textsOf([attribute("a", nested), attribute("b", text("x".repeat(9_999))), ...many]);
  expect(shown["a"]).toBe(`${"[".repeat(9)}"…"${"]".repeat(9)}`);
  expect(shown["b"]).toHaveLength(1_024);
  expect(Object.keys(shown)).toHaveLength(64);
});
