/**
 * Holds what is asked and answered to the description of the hub's API (hub/openapi.json): the development
 * mock must not answer what no hub answers, and the console must not send what a hub refuses. Stricter than
 * the description itself: a field that it does not name is a fault. For tests only.
 */
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";

const DESCRIPTION = new URL("../../openapi.json", import.meta.url);
/** So many faults of one message are told. */
const TOLD_MAX = 8;

/** Whether a schema is about objects whose fields are named. */
function namesFields(schema, all) {
  if (schema.$ref) return namesFields(all[schema.$ref.split("/").pop()], all);
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? [])];
  return schema.properties !== undefined || parts.some((part) => namesFields(part, all));
}

/**
 * The same schema, closed: what is not named is refused. A part of an `allOf` stays open, because its other
 * parts name more fields; the whole is closed where it is used.
 */
function closed(schema, all, isPart) {
  if (Array.isArray(schema)) return schema.map((each) => closed(each, all, isPart));
  if (typeof schema !== "object" || schema === null) return schema;
  const { description, ...rest } = schema;
  const inside = { ...rest };
  for (const [name, value] of Object.entries(rest)) {
    if (name === "properties") {
      inside[name] = Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, closed(each, all, false)]),
      );
    } else if (name === "allOf") inside[name] = closed(value, all, true);
    else if (name === "oneOf" || name === "anyOf") inside[name] = closed(value, all, isPart);
    else if (name === "items" || name === "prefixItems" || name === "additionalProperties")
      inside[name] = closed(value, all, false);
  }
  const open = isPart || rest.oneOf !== undefined || rest.additionalProperties !== undefined;
  return !open && namesFields(rest, all) ? { ...inside, unevaluatedProperties: false } : inside;
}

/** A description's path as an expression; the most fixed ones first, so that `/today` is no `/{id}`. */
function routesOf(paths) {
  const fixed = (path) => path.split("/").filter((part) => !part.startsWith("{")).length;
  return Object.entries(paths)
    .sort(([a], [b]) => fixed(b) - fixed(a))
    .map(([path, methods]) => {
      const expression = path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+");
      return { path, methods, expression: new RegExp(`^${expression}$`) };
    });
}

const isJson = (type) => /^application\/(\w+\+)?json\b/.test(type ?? "");

/** The contract that is checked in. */
export function readContract() {
  const { paths, components } = JSON.parse(readFileSync(DESCRIPTION, "utf8"));
  const { schemas } = components;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addFormat("date-time", (text) => /^\d{4}-.+T.+Z$/.test(text) && !Number.isNaN(Date.parse(text)));
  for (const name of ["int32", "int64", "float", "double", "binary", "date", "uuid"])
    ajv.addFormat(name, true);
  const definitions = Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, closed(schema, schemas, true)]),
  );
  ajv.addSchema({ $id: "hub", components: { schemas: definitions } });
  const compiled = new Map();
  const routes = routesOf(paths);

  function faultsOf(schema, value) {
    const key = JSON.stringify(schema);
    let check = compiled.get(key);
    if (check === undefined) {
      const whole = JSON.stringify(closed(schema, schemas, false)).replaceAll('"#/', '"hub#/');
      check = ajv.compile(JSON.parse(whole));
      compiled.set(key, check);
    }
    if (check(value)) return [];
    const told = check.errors.slice(0, TOLD_MAX).map(({ instancePath, message, params }) => {
      const what = params.unevaluatedProperty ?? params.allowedValues?.join("|") ?? "";
      return `${instancePath || "/"} ${message} ${what}`.trim();
    });
    return [...new Set(told)];
  }

  /** The description of one operation; null where it knows none. */
  function find(method, path) {
    const route = routes.find((each) => each.expression.test(path) && each.methods[method.toLowerCase()]);
    return route === undefined ? null : { route, operation: route.methods[method.toLowerCase()] };
  }

  const given = (part) => (part.$ref ? components.responses[part.$ref.split("/").pop()] : part);

  return {
    /** What is wrong with an answer; `body` is a text. */
    answer(method, path, status, type, body) {
      const found = find(method, path);
      const at = `${method} ${path} ${status}`;
      if (found === null) return [`${at}: the hub has no such route`];
      const response = found.operation.responses[status];
      if (response === undefined) return [`${at}: the hub does not answer this status`];
      const content = given(response).content ?? {};
      const kind = (type ?? "").split(";")[0];
      if (!isJson(type)) return [];
      if (body === "" || body === "null") return Object.keys(content).length === 0 ? [] : [`${at}: no body`];
      const described = content[kind];
      if (described === undefined) return [`${at}: the hub does not answer ${kind}`];
      return faultsOf(described.schema ?? true, JSON.parse(body)).map((fault) => `${at}: ${fault}`);
    },
    /** What is wrong with a request; `search` are its parameters, `body` is a text or null. */
    request(method, path, search, type, body) {
      const found = find(method, path);
      const at = `${method} ${path}`;
      if (found === null) return [`${at}: the hub has no such route`];
      const known = (found.operation.parameters ?? []).filter((each) => each.in === "query");
      const strange = [...search.keys()].filter((name) => !known.some((each) => each.name === name));
      const faults = strange.map((name) => `${at}: the hub knows no parameter ${name}`);
      const schema = found.operation.requestBody?.content?.["application/json"]?.schema;
      if (schema === undefined || !isJson(type) || !body) return faults;
      return [...faults, ...faultsOf(schema, JSON.parse(body)).map((fault) => `${at} sends ${fault}`)];
    },
    /** What is wrong with an event of the live stream. */
    event(name, data) {
      const schema = {
        case: "CaseEventData",
        gateway: "GatewayEventData",
        desk: "DeskEventData",
        child: "ChildEventData",
      }[name];
      if (schema === undefined) return [`the hub sends no event ${name}`];
      return faultsOf({ $ref: `#/components/schemas/${schema}` }, data).map(
        (fault) => `event ${name}: ${fault}`,
      );
    },
  };
}
