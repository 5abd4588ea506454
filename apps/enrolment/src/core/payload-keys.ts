/** Which keys a profile and its payloads may have, and of which types: as far as this app writes them. Pure. */
// Source: https://github.com/apple/device-management, mdm/profiles

export type KeyRule = {
  /** Without it the payload is refused. */
  isRequired?: true;
} & (
  | { type: "string" | "integer" | "boolean" | "data"; oneOf?: readonly (string | number)[] }
  | { type: "array"; of: KeyRule; atLeast?: number }
  | { type: "dictionary"; keys: KeyTable; orOthers?: true }
);

export type KeyTable = Readonly<Record<string, KeyRule>>;

const text = { type: "string" } as const;
const needed = { type: "string", isRequired: true } as const;
const flag = { type: "boolean" } as const;
const texts = { type: "array", of: text } as const;
/** Yes and no of VPN payloads. */
const bit = { type: "integer", oneOf: [0, 1] } as const;

/** Of each payload. */
const COMMON: KeyTable = {
  PayloadIdentifier: needed,
  PayloadUUID: needed,
  PayloadType: needed,
  PayloadVersion: { type: "integer", isRequired: true, oneOf: [1] },
  PayloadDisplayName: text,
  PayloadDescription: text,
  PayloadOrganization: text,
};

const ON_DEMAND_RULE: KeyRule = {
  type: "dictionary",
  keys: {
    Action: {
      type: "string",
      isRequired: true,
      oneOf: ["Allow", "Connect", "Disconnect", "EvaluateConnection", "Ignore"],
    },
    ActionParameters: {
      type: "array",
      of: {
        type: "dictionary",
        keys: {
          Domains: { ...texts, isRequired: true, atLeast: 1 },
          DomainAction: {
            type: "string",
            isRequired: true,
            oneOf: ["ConnectIfNeeded", "NeverConnect"],
          },
        },
      },
    },
  },
};

const IKEV2: KeyTable = {
  RemoteAddress: needed,
  LocalIdentifier: needed,
  RemoteIdentifier: needed,
  AuthenticationMethod: {
    type: "string",
    isRequired: true,
    oneOf: ["None", "SharedSecret", "Certificate"],
  },
  SharedSecret: text,
  ExtendedAuthEnabled: bit,
  OnDemandEnabled: bit,
  OnDemandRules: { type: "array", of: ON_DEMAND_RULE },
  EnablePFS: bit,
  DisableMOBIKE: bit,
  DeadPeerDetectionRate: { type: "string", oneOf: ["None", "Low", "Medium", "High"] },
  MTU: { type: "integer" },
};

/** By PayloadType. */
export const PAYLOAD_KEYS: Readonly<Record<string, KeyTable>> = {
  "com.apple.webClip.managed": {
    ...COMMON,
    URL: needed,
    Label: needed,
    Icon: { type: "data" },
    FullScreen: flag,
    IsRemovable: flag,
    Precomposed: flag,
    IgnoreManifestScope: flag,
  },
  "com.apple.security.root": {
    ...COMMON,
    PayloadContent: { type: "data", isRequired: true },
    PayloadCertificateFileName: text,
  },
  "com.apple.dnsSettings.managed": {
    ...COMMON,
    DNSSettings: {
      type: "dictionary",
      isRequired: true,
      keys: {
        DNSProtocol: { type: "string", isRequired: true, oneOf: ["HTTPS", "TLS"] },
        ServerURL: text,
        ServerName: text,
        ServerAddresses: texts,
        SupplementalMatchDomains: texts,
      },
    },
  },
  "com.apple.relay.managed": {
    ...COMMON,
    Relays: {
      type: "array",
      isRequired: true,
      atLeast: 1,
      of: { type: "dictionary", keys: { HTTP3RelayURL: text, HTTP2RelayURL: text } },
    },
    MatchDomains: texts,
    ExcludedDomains: texts,
  },
  "com.apple.vpn.managed": {
    ...COMMON,
    VPNType: { type: "string", isRequired: true, oneOf: ["IKEv2"] },
    UserDefinedName: needed,
    IKEv2: { type: "dictionary", isRequired: true, keys: IKEV2 },
  },
  "com.apple.wifi.managed": {
    ...COMMON,
    SSID_STR: needed,
    HIDDEN_NETWORK: flag,
    AutoJoin: flag,
    EncryptionType: { type: "string", oneOf: ["None", "WPA2", "WPA3", "Any"] },
    Password: text,
  },
};

/** Of the profile itself. */
export const PROFILE_KEYS: KeyTable = {
  ...COMMON,
  PayloadType: { type: "string", isRequired: true, oneOf: ["Configuration"] },
  PayloadContent: {
    type: "array",
    isRequired: true,
    atLeast: 1,
    of: { type: "dictionary", keys: {}, orOthers: true },
  },
  ConsentText: { type: "dictionary", keys: { default: needed }, orOthers: true },
  TargetDeviceType: { type: "integer", oneOf: [0, 1, 2, 3, 4, 5] },
};
