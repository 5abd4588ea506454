import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readConfig } from "@glassline/config";
import { readIdentity } from "@glassline/service/identity";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { makeCredentials, parsePeerName } from "../deploy/compose/credentials.ts";
import { parsePublished, portOf, publish } from "../deploy/compose/published.ts";
import type { App } from "./images/apps.ts";
import { CHILDREN, ROOT, discoverApps, listeningPorts, variableOf } from "./images/apps.ts";
import { dockerfilePath } from "./images/dockerfile.ts";
import { entryPoint } from "./images/recipe.ts";

interface Service {
  image: string;
  build: { context: string; dockerfile: string };
  user: string;
  read_only: boolean;
  privileged?: boolean;
  cap_add?: readonly string[];
  cap_drop: readonly string[];
  security_opt: readonly string[];
  mem_limit: string;
  entrypoint?: readonly string[];
  command: readonly string[];
  environment?: Readonly<Record<string, string>>;
  ports?: readonly string[];
  volumes: readonly string[];
  depends_on: Readonly<Record<string, unknown>>;
}

const compose = parse(await readFile(join(ROOT, "deploy/compose/compose.yaml"), "utf8"), {
  merge: true,
}) as { services: Readonly<Record<string, Service>>; volumes: Readonly<Record<string, null>> };
const { credentials, ...others } = compose.services;
const apps = await discoverApps(ROOT);

const appOf = ({ image }: Service): App => {
  const app = apps.find(({ name }) => image === `glassline/${name}`);
  if (!app) throw new Error(`image: got ${image}, expected that of an app`);
  return app;
};
const all = Object.entries(compose.services);
const programs = Object.entries(others);

/** Host and port of every address that a service asks, e.g. "node-2" and 7421; media addresses are for browsers. */
const addressesOf = ({ command }: Service): { host: string; port: number }[] =>
  command
    .filter((word) => !word.startsWith("--media-url="))
    .flatMap((word) =>
      [...word.matchAll(/[=/]([a-z0-9-]+):(\d+)/g)].map(([, host, port]) => ({
        host: host!,
        port: Number(port),
      })),
    );

interface Wish {
  edges: {
    name: string;
    port: number;
    grpcPort: number;
    adminPort: number;
    publicUrl: string;
    originUrl: string;
  }[];
}
const wish = JSON.parse(
  compose.services["opsbot"]!.environment!["GLASSLINE_OPSBOT_EDGES"]!,
) as Wish;
const edgePorts = wish.edges.flatMap(({ port, grpcPort, adminPort }) => [
  port,
  grpcPort,
  adminPort,
]);

/** Ports of an app, and of those that it starts. */
const portsOf = (app: App): number[] => [
  ...listeningPorts(app).values(),
  ...(app.children.includes("edge-cache") ? edgePorts : []),
];

describe("compose.yaml", () => {
  test("runs every app, but for those that another one starts, or nobody needs yet", () => {
    const children = new Set([...Object.values(CHILDREN).flat(), "kme"]);
    const expected = apps.map(({ name }) => name).filter((name) => !children.has(name));
    const running = new Set(programs.map(([, service]) => appOf(service).name));
    expect([...running].toSorted()).toEqual(expected);
  });

  test.each(all)("%s may do little", (_name, service) => {
    expect(service).toMatchObject({
      user: "1000:1000",
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
    });
    expect(service.privileged).toBeUndefined();
    expect(service.cap_add).toBeUndefined();
  });

  test.each(all)("%s is built from its app's Dockerfile", (_name, service) => {
    expect(service.build).toEqual({ context: "../..", dockerfile: dockerfilePath(appOf(service)) });
  });

  test.each(programs)(
    "%s is started as its image would, with variables from files and what is mounted",
    (_, service) => {
      if (!service.entrypoint) return;
      const [node, ...words] = service.entrypoint;
      expect([node, words.at(-1)]).toEqual(["node", entryPoint(appOf(service))]);
      for (const word of words.slice(0, -1)) {
        const [flag, path] = word.split("=");
        expect(["--env-file", "--import"]).toContain(flag);
        if (flag === "--env-file") expect(path).toMatch(/^\/pki\//);
        else expect(service.volumes.some((line) => line.endsWith(`:${path}:ro`))).toBe(true);
      }
    },
  );

  test.each(programs)("%s has settings that its app takes", (_name, service) => {
    const { program } = appOf(service);
    const environment = service.environment ?? {};
    expect(() => readConfig(program, { arguments: service.command, environment })).not.toThrow();
    const { children } = appOf(service);
    const family = apps.filter((app) => app === appOf(service) || children.includes(app.name));
    const known = new Set(
      family.flatMap((app) => Object.keys(app.program.spec).map((name) => variableOf(app, name))),
    );
    const unknown = Object.keys(environment).filter(
      (name) => name.startsWith("GLASSLINE_") && !known.has(name),
    );
    expect(unknown).toEqual([]);
  });

  test.each(programs)("%s keeps its default ports, and finds others at theirs", (_, service) => {
    expect(service.command.filter((word) => /^--([a-z-]+-)?port=/.test(word))).toEqual([]);
    for (const { host, port } of addressesOf(service)) {
      expect(Object.keys(others)).toContain(host);
      expect(portsOf(appOf(others[host]!))).toContain(port);
    }
  });

  test("the edges that OpsBot wishes have certificates and an origin", () => {
    for (const { name, originUrl } of wish.edges) {
      expect(credentials!.command).toContain(`edge-cache/${name}`);
      expect(originUrl).toBe("https://origin:7450");
    }
  });

  test("OpsBot finds the edges at their public URLs, as a browser on the host does", () => {
    const { opsbot } = compose.services;
    const found = parsePublished(opsbot!.environment!["PUBLISHED_PORTS"]!);
    const urls = found.map(({ port }) => `http://localhost:${port}`);
    expect(urls).toEqual(wish.edges.map(({ publicUrl }) => publicUrl));
    for (const { host, port } of found)
      expect(others[host]!.ports).toContain(`127.0.0.1:${port}:${port}`);
  });

  test.each(programs)("%s is published on loopback only", (_name, service) => {
    for (const published of service.ports ?? []) {
      const match = /^127\.0\.0\.1:(\d+):(\d+)$/.exec(published);
      expect(match, published).not.toBeNull();
      expect(portsOf(appOf(service))).toContain(Number(match![2]));
    }
  });

  test.each(programs)("%s waits for credentials and sees them, unable to write", (_, service) => {
    expect(service.depends_on["credentials"]).toEqual({
      condition: "service_completed_successfully",
    });
    expect(service.volumes).toContain("pki:/pki:ro");
    expect(service.volumes.join()).not.toContain("authority");
  });

  test("volumes are declared, and no two services write to the same one but credentials", () => {
    const named = all.flatMap(([, { volumes }]) => volumes.filter((line) => !line.startsWith(".")));
    const writable = named
      .filter((line) => !line.endsWith(":ro"))
      .map((line) => line.split(":")[0]!);
    expect(writable.toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });
});

describe("credentials", () => {
  test("are those that the services ask for, without the CA's key", async () => {
    const folder = await mkdtemp(join(tmpdir(), "glassline-credentials-"));
    try {
      const [authority, shared] = [join(folder, "authority"), join(folder, "shared")];
      const names = credentials!.command.map(parsePeerName);
      await makeCredentials(authority, shared, names);
      for (const [, service] of programs) {
        const instance = service.command.find((word) => word.startsWith("--name="))!.slice(7);
        const role = names.find((name) => name.instance === instance)?.role;
        expect(role).toBe(appOf(service).name);
        await readIdentity(shared, { role: role!, instance });
      }
      const files = await readdir(shared);
      expect(files).not.toContain("ca.key");
      const asked = programs.flatMap(([, { entrypoint }]) => entrypoint ?? []);
      for (const word of asked.filter((one) => one.startsWith("--env-file=/pki/")))
        expect(files).toContain(word.slice("--env-file=/pki/".length));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("stay when they are made again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "glassline-credentials-"));
    try {
      const again = async () => {
        await makeCredentials(join(folder, "a"), join(folder, "s"), [
          { role: "camera", instance: "agent-1" },
        ]);
        const files = await readdir(join(folder, "s"));
        return Promise.all(files.map((file) => readFile(join(folder, "s", file), "utf8")));
      };
      expect(await again()).toEqual(await again());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test.each(["camera", "pilot/agent-1", "camera/agent-1/2", ""])("refuse the name %j", (word) => {
    expect(() => parsePeerName(word)).toThrow(/expected ROLE\/INSTANCE/);
  });
});

describe("published ports", () => {
  test("lead to another host, and close when nobody is there", async () => {
    const far = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
    await once(far, "listening");
    const server = publish({ host: "127.0.0.1", port: portOf(far) }, 0);
    await once(server, "listening");
    const near = () => connect({ host: "127.0.0.1", port: portOf(server) });
    try {
      const socket = near();
      socket.end("as sent");
      expect((await socket.toArray()).join("")).toBe("as sent");
      far.close();
      await once(far, "close");
      const late = near();
      await once(late, "close");
      expect(late.bytesRead).toBe(0);
    } finally {
      server.close();
    }
  });

  test.each(["7471", "node-agent", "node-agent:", "http://node-agent:7471"])(
    "refuse %j",
    (word) => {
      expect(() => parsePublished(word)).toThrow(/expected HOST:PORT/);
    },
  );
});
