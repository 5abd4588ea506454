import { describe, expect, test } from "vitest";

import type { CollectorFile } from "./collector-file.ts";
import { parseCollectorFile } from "./collector-file.ts";

const LOOKUP = {
  environment: { TOKEN: "a-secret", EMPTY: "", HOST: "metrics.example.com" },
  readFile: (path: string) => {
    if (path.startsWith("/secrets/")) return `content of ${path}\n`;
    throw new Error(`expected a file that can be read: ${path}`);
  },
  memoryBytes: 16 * 2 ** 30,
};
const parse = (text: string) => parseCollectorFile(text, "c.yaml", LOOKUP);

function read(text: string): CollectorFile {
  const result = parse(text);
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  return result;
}

function problems(text: string): readonly string[] {
  const result = parse(text);
  return "problems" in result ? result.problems : [];
}

/** A file that is right but for what a test puts in. */
const withExporter = (exporter: string, id = "otlp") => `
receivers:
  otlp:
    protocols:
      grpc:
exporters:
  ${id}:
${exporter.replaceAll(/^/gm, "    ")}
service:
  pipelines:
    metrics:
      receivers: [otlp]
      exporters: [${id}]
`;

const TYPICAL = `
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
processors:
  memory_limiter:
    check_interval: 1s
    limit_percentage: 75
    spike_limit_percentage: 15
  batch:
    send_batch_size: 10000
    timeout: 10s
exporters:
  otlphttp:
    endpoint: https://\${env:HOST}:4318
    headers:
      Authorization: "Bearer \${env:TOKEN}"
  otlp/2:
    endpoint: "\${env:OTHER:-other}:4317"
    tls:
      ca_file: /secrets/ca.pem
    compression: none
    timeout: 3s
    retry_on_failure:
      initial_interval: 1s
      max_interval: 1m30s
      max_elapsed_time: 0
    sending_queue:
      queue_size: 1000
  debug:
extensions:
  health_check:
    endpoint: 0.0.0.0:13133
service:
  extensions: [health_check]
  telemetry:
    logs:
      level: WARN
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [otlphttp, debug]
    metrics/a:
      receivers: [otlp]
      exporters: [otlp/2]
    logs:
      receivers: [otlp, otqmn]
      processors: [batch]
      exporters: [otlphttp]
`.replace("receivers:\n  otlp:", "receivers:\n  otqmn:\n  otlp:");

describe("a file in the Collector's notation", () => {
  test("is settings and exporters", () => {
    const { settings, exporters, healthCheck, notes } = read(TYPICAL);
    expect(Object.entries(settings).map(([key, { text }]) => [key, text])).toEqual([
      ["otlpProtocols", "both"],
      ["otlpHost", "0.0.0.0"],
      ["otlpGrpcPort", "4317"],
      ["otlpPlaintext", "true"],
      ["otlpOpen", "true"],
      ["otlpHttpPort", "4318"],
      ["memoryLimit", `${Math.floor(0.6 * 16 * 2 ** 30)}B`],
      ["logLevel", "warn"],
    ]);
    expect(settings["otlpGrpcPort"]!.where).toBe("c.yaml:7:9");
    expect(healthCheck).toEqual({ host: "0.0.0.0", port: 13_133, path: "/" });
    const tls = { ca: undefined, identity: undefined, serverName: undefined };
    expect(exporters).toEqual([
      {
        name: "otlphttp",
        signals: ["traces", "logs"],
        gatherMs: 10_000,
        retry: { firstMs: 5_000, maxMs: 30_000 },
        target: {
          kind: "otlphttp",
          urls: {
            metrics: "https://metrics.example.com:4318/v1/metrics",
            traces: "https://metrics.example.com:4318/v1/traces",
            logs: "https://metrics.example.com:4318/v1/logs",
          },
          headers: { authorization: "Bearer a-secret" },
          compression: "gzip",
          timeoutMs: 30_000,
          tls,
        },
      },
      {
        name: "otlp/2",
        signals: ["metrics"],
        gatherMs: 0,
        retry: { firstMs: 1_000, maxMs: 90_000 },
        target: {
          kind: "otlp",
          address: "other:4317",
          headers: {},
          compression: "none",
          timeoutMs: 3_000,
          tls: { ...tls, ca: "content of /secrets/ca.pem\n" },
        },
      },
      {
        name: "debug",
        signals: ["traces"],
        gatherMs: 10_000,
        retry: { firstMs: 5_000, maxMs: 30_000 },
        target: { kind: "debug" },
      },
    ]);
    expect(notes).toEqual([
      expect.stringMatching(/^c\.yaml:7:9: .*grpc: whoever reaches 0\.0\.0\.0:4317 may send/),
      expect.stringMatching(/whoever reaches 0\.0\.0\.0:4318 may send/),
      expect.stringMatching(/processors\.batch\.send_batch_size: has no effect/),
      expect.stringMatching(/sending_queue\.queue_size: has no effect/),
    ]);
  });

  test.each([
    ["{limit_mib: 4000, spike_limit_mib: 800}", 3_200 * 2 ** 20],
    ["{limit_mib: 1000}", 800 * 2 ** 20],
    ["{limit_mib: 1000, spike_limit_mib: 0, limit_percentage: 90}", 800 * 2 ** 20],
    ["{limit_percentage: 50, spike_limit_percentage: 25}", 4 * 2 ** 30],
  ])("limits memory as memory_limiter %s does", (memoryLimiter, bytes) => {
    const { settings } = read(
      TYPICAL.replace(/memory_limiter:\n(?: {4}.*\n)*/, `memory_limiter: ${memoryLimiter}\n`),
    );
    expect(settings["memoryLimit"]!.text).toBe(`${bytes}B`);
  });

  test.each([
    ["{check_interval: 1s}", "got no limit, expected limit_mib or limit_percentage of at least 1."],
    ["{limit_mib: 100, spike_limit_mib: 100}", "got 100, expected less than limit_mib."],
    ["{limit_percentage: 101}", 'got "101", expected a whole number from 0 to 100.'],
  ])("says what is wrong in memory_limiter %s", (memoryLimiter, message) => {
    const text = TYPICAL.replace(
      /memory_limiter:\n(?: {4}.*\n)*/,
      `memory_limiter: ${memoryLimiter}\n`,
    );
    expect(problems(text)[0]).toContain(message);
  });

  test("may ask senders for a certificate's name and a token", () => {
    const { settings } = read(`
receivers:
  otlp:
    protocols:
      http:
        tls: {cert_file: server.pem, key_file: server.key}
        auth: {authenticator: bearertokenauth/in}
extensions:
  bearertokenauth/in: {token: "\${env:TOKEN}"}
exporters: {debug: {}}
service:
  extensions: [bearertokenauth/in]
  pipelines: {logs: {receivers: [otlp], exporters: [debug]}}
`);
    const texts = Object.entries(settings).map(([key, { text }]) => [key, text]);
    expect(Object.fromEntries(texts)).toEqual({
      otlpProtocols: "http",
      otlpHost: "localhost",
      otlpHttpPort: "4318",
      otlpCertificate: "server.pem",
      otlpKey: "server.key",
      otlpToken: "a-secret",
    });
  });

  test("may name values by anchors, and merge maps", () => {
    const text = withExporter("<<: &common {endpoint: a:1, timeout: 1s}\ntimeout: 2s");
    const second = text.replace("service:", "  debug: &d\n  otlp/2: *common\nservice:");
    const { exporters } = read(second.replace("exporters: [otlp]", "exporters: [otlp, otlp/2]"));
    expect(exporters.map(({ target }) => target)).toMatchObject([
      { address: "a:1", timeoutMs: 2_000 },
      { address: "a:1", timeoutMs: 1_000 },
    ]);
  });

  test("may write to Prometheus, metrics only", () => {
    const text = withExporter(
      "endpoint: https://p/api/v1/write\nprotobuf_message: io.prometheus.write.v2.Request",
      "prometheusremotewrite",
    );
    expect(read(text).exporters[0]!.target).toMatchObject({
      kind: "prometheusremotewrite",
      url: "https://p/api/v1/write",
      message: "io.prometheus.write.v2.Request",
      suffixes: true,
      tls: { ca: undefined },
    });
    expect(problems(text.replace("metrics:", "traces:")).join()).toContain(
      "exporters.prometheusremotewrite: got a pipeline of traces, expected metrics",
    );
  });

  test.each([
    "resource_to_telemetry_conversion: {enabled: false}",
    "resource_to_telemetry_conversion:",
    "external_labels: {}",
    "external_labels:",
  ])("takes what is so anyway: %s", (line) => {
    const text = withExporter(`endpoint: https://p/write\n${line}`, "prometheusremotewrite");
    expect(problems(text)).toEqual([]);
  });

  test.each([
    ["resource_to_telemetry_conversion: {enabled: true}", ".enabled: not supported: names and"],
    ["resource_to_telemetry_conversion: {enable: false}", "(did you mean enabled?)"],
    ["resource_to_telemetry_conversion: false", ': got "false", expected names and values'],
    ["external_labels: {site: a}", ".site: not supported: names and labels are as the standard"],
    ["external_labels: [a]", ": got a list, expected names and values"],
  ])("refuses %s", (line, expected) => {
    const text = withExporter(`endpoint: https://p/write\n${line}`, "prometheusremotewrite");
    const found = problems(text).join("\n");
    expect(found).toContain(`exporters.prometheusremotewrite.${line.split(":")[0]}`);
    expect(found).toContain(expected);
  });

  test("goes without TLS where it says so", () => {
    const target = (text: string, id?: string) => read(withExporter(text, id)).exporters[0]!.target;
    expect(target("endpoint: a:1\ntls: {insecure: true}")).toMatchObject({ tls: undefined });
    expect(target("endpoint: http://a:1")).toMatchObject({ address: "a:1", tls: undefined });
    expect(target("endpoint: https://a:1")).toMatchObject({ tls: { ca: undefined } });
    expect(target("endpoint: http://a:1", "otlphttp")).toMatchObject({ tls: undefined });
  });

  test.each([
    [
      "an unknown key",
      "endpoint: a:1\ncompresion: gzip",
      'c.yaml:9:5: exporters.otlp: got "compresion", expected one of',
    ],
    ["the nearest key", "endpoint: a:1\ncompresion: gzip", "(did you mean compression?)"],
    [
      "an address",
      "endpoint: nowhere",
      'c.yaml:8:15: exporters.otlp.endpoint: got "nowhere", expected HOST:PORT',
    ],
    ["no address", "timeout: 5s", "exporters.otlp.endpoint: got none, expected an address"],
    [
      "a time",
      "endpoint: a:1\ntimeout: 5 seconds",
      'got "5 seconds", expected a time such as 200ms, 5s or 1h30m',
    ],
    [
      "another compression",
      "endpoint: a:1\ncompression: zstd",
      'got "zstd", expected one of gzip, none',
    ],
    [
      "no check of certificates",
      "endpoint: a:1\ntls: {insecure_skip_verify: true}",
      "exporters.otlp.tls.insecure_skip_verify: not supported",
    ],
    [
      "a key without certificate",
      "endpoint: a:1\ntls: {key_file: /secrets/k}",
      "got key_file alone, expected cert_file beside it",
    ],
    [
      "a file that is not there",
      "endpoint: a:1\ntls: {ca_file: /nowhere}",
      "expected a file that can be read: /nowhere",
    ],
    ["no retry", "endpoint: a:1\nretry_on_failure: {enabled: false}", "got false, expected true"],
    [
      "a variable that is not set",
      "endpoint: ${env:NOT_SET}",
      "got ${env:NOT_SET}, expected the variable NOT_SET to be set",
    ],
    ["another provider", "endpoint: ${http:x}", "got ${http:x}, expected ${env:NAME}"],
    ["a list for a map", "[a, b]", "exporters.otlp: got a list, expected names and values"],
    [
      "an authenticator",
      "endpoint: a:1\nauth: {authenticator: oauth2client}",
      'got "oauth2client", expected an extension bearertokenauth',
    ],
  ])("refuses %s", (_name, exporter, expected) => {
    expect(problems(withExporter(exporter)).join("\n")).toContain(expected);
  });

  test.each([
    [
      "prometheus",
      "endpoint: http://a/",
      "one of otlp, otlp_grpc, otlphttp, otlp_http, prometheusremotewrite, debug",
    ],
    ["otlphtp", "endpoint: http://a/", "(did you mean otlphttp?)"],
  ])("refuses the exporter %s", (id, exporter, expected) => {
    expect(problems(withExporter(exporter, id)).join("\n")).toContain(expected);
  });

  test("tells everything that is wrong at once, with places", () => {
    expect(
      problems(`
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 0.0.0.0:4317, max_recv_msg_size_mib: 64}
      http: {endpoint: localhost:4318, cors: {allowed_origins: ["*"]}}
  jaeger:
processors: {batch: , attributes: }
exporters: {debug: }
service:
  extensions: [pprof]
  telemetry: {metrics: {level: none}}
  pipelines:
    metric: {receivers: [otlp], exporters: [debug]}
    traces: {receivers: [otlp, zipkin], processors: [batches], exporters: []}
`),
    ).toEqual([
      'c.yaml:11:16: service.extensions: got "pprof", expected one that is defined.',
      'c.yaml:5:61: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: got "64", expected a whole number from 1 to 8.',
      "c.yaml:6:40: receivers.otlp.protocols.http.cors: not supported: pages in browsers are not served; put a gateway in front.",
      "c.yaml:6:7: receivers.otlp.protocols.http: got the host localhost, expected 0.0.0.0, as for grpc.",
      'c.yaml:7:3: receivers: got "jaeger", expected one of otlp, otqmn.',
      'c.yaml:8:23: processors: got "attributes", expected one of batch, memory_limiter.',
      'c.yaml:14:5: service.pipelines: got "metric", expected one of metrics, traces, logs (did you mean metrics?).',
      'c.yaml:15:32: service.pipelines.traces.receivers: got "zipkin", expected one that is defined under receivers.',
      'c.yaml:15:54: service.pipelines.traces.processors: got "batches", expected one that is defined under processors (did you mean batch?).',
      "c.yaml:15:64: service.pipelines.traces.exporters: got none, expected at least one.",
      "c.yaml:12:15: service.telemetry.metrics: not supported: the collector's own metrics are at --admin-port, /metrics.",
    ]);
  });

  test.each([
    ["bad YAML", "a: [", "c.yaml:1:5:"],
    ["the same key twice", "service:\nservice:\n", "c.yaml:2:1: service: got it twice"],
    ["nothing at all", "", "service.pipelines: got none, expected at least one of"],
    [
      "aliases of aliases",
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, at) => `${"bcdefghij"[at]}: &${"bcdefghij"[at]} [${Array.from({ length: 10 }, () => `*${"abcdefghi"[at]}`).join(",")}]`).join("\n")}`,
      "got more than 100000 values",
    ],
  ])("refuses %s", (_name, text, expected) => {
    expect(problems(text).join("\n")).toContain(expected);
  });

  test("never shows what is secret", () => {
    const text = withExporter(
      'endpoint: a:1\nheaders: {authorization: "${env:TOKEN}\\x01", x: ["s3cret"]}\ntimeout: ${env:TOKEN}',
    );
    const found = problems(text).join("\n");
    expect(found).toContain("exporters.otlp.headers.authorization: got other characters");
    expect(found).not.toMatch(/a-secret|s3cret/);
  });
});
