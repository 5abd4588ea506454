/** An OpenAPI 3.1 document from service descriptors, for the JSON routes of json.ts. Comments of the schema are not in the descriptors. */
import type { DescEnum, DescField, DescMessage, DescService } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";

type Schema = Record<string, unknown>;

/** @param version of the program that serves the document. */
export function openApi(title: string, version: string, services: readonly DescService[]): Schema {
  const schemas: Record<string, Schema> = { Error: ERROR_SCHEMA };
  const paths: Record<string, Schema> = {};
  for (const service of services) {
    for (const method of service.methods) {
      if (method.methodKind !== "unary") continue;
      paths[`/${service.typeName}/${method.name}`] = {
        post: {
          operationId: `${service.name}_${method.name}`,
          tags: [service.name],
          requestBody: { required: true, content: jsonContent(messageRef(method.input, schemas)) },
          responses: {
            200: { description: "OK", content: jsonContent(messageRef(method.output, schemas)) },
            default: {
              description: "Error",
              content: jsonContent({ $ref: "#/components/schemas/Error" }),
            },
          },
        },
      };
    }
  }
  return { openapi: "3.1.0", info: { title, version }, paths, components: { schemas } };
}

const ERROR_SCHEMA: Schema = {
  type: "object",
  properties: { code: { type: "string" }, message: { type: "string" } },
  required: ["code", "message"],
};

const jsonContent = (schema: Schema) => ({ "application/json": { schema } });

function messageRef(message: DescMessage, schemas: Record<string, Schema>): Schema {
  if (!(message.typeName in schemas)) {
    const properties: Record<string, Schema> = {};
    schemas[message.typeName] = { type: "object", properties };
    for (const field of message.fields) properties[field.jsonName] = fieldSchema(field, schemas);
  }
  return { $ref: `#/components/schemas/${message.typeName}` };
}

function fieldSchema(field: DescField, schemas: Record<string, Schema>): Schema {
  switch (field.fieldKind) {
    case "scalar":
      return scalarSchema(field.scalar);
    case "enum":
      return enumSchema(field.enum);
    case "message":
      return messageRef(field.message, schemas);
    case "list":
      return { type: "array", items: elementSchema(field, schemas) };
    case "map":
      return { type: "object", additionalProperties: elementSchema(field, schemas) };
  }
}

function elementSchema(
  field: DescField & { fieldKind: "list" | "map" },
  schemas: Record<string, Schema>,
): Schema {
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "message" && field.message) return messageRef(field.message, schemas);
  if (kind === "enum" && field.enum) return enumSchema(field.enum);
  return scalarSchema(field.scalar ?? ScalarType.STRING);
}

const enumSchema = (desc: DescEnum): Schema => ({
  type: "string",
  enum: desc.values.map(({ name }) => name),
});

/** Source: https://protobuf.dev/programming-guides/json/ (64-bit integers are strings; NaN and infinities too). */
function scalarSchema(scalar: ScalarType): Schema {
  switch (scalar) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", format: "byte" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return {
        oneOf: [{ type: "number" }, { type: "string", enum: ["NaN", "Infinity", "-Infinity"] }],
      };
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return { type: "integer" };
    default:
      return { type: "string", format: "int64" };
  }
}
