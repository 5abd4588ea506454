/** What the gateways that a channel names must be like: DNS, relay, IKEv2, Wi-Fi. None of them is Glassline's. Pure. */
import type { DnsSettings, Ikev2, Relay, Wifi } from "@glassline/proto/enrolment";
import { FILE_NAME, SSID_MAX_BYTES } from "@glassline/proto/enrolment-limits";

import { refuse } from "./refuse.ts";
import { checkLine, checkTitle } from "./texts.ts";

const DOMAINS_MAX = 64;
const ADDRESSES_MAX = 16;
const URL_MAX_CHARS = 1_024;
const NAME_MAX_CHARS = 253;

const DOMAIN =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const FOUR_NUMBERS = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/** Throws RpcError. */
export function checkDns({ protocol, serverUrl, serverName, ...dns }: DnsSettings): void {
  if (protocol === "HTTPS") checkHttps("dns.server_url", serverUrl);
  else if (protocol === "TLS") checkDomains("dns.server_name", [serverName], 1);
  else refuse("dns.protocol", protocol, "HTTPS or TLS");
  if (dns.serverAddresses.length > ADDRESSES_MAX)
    refuse("dns.server_addresses", dns.serverAddresses.length, `at most ${ADDRESSES_MAX}`);
  for (const address of dns.serverAddresses)
    if (!isAddress(address)) refuse("dns.server_addresses", address, "an IP address");
  checkDomains("dns.match_domains", dns.matchDomains, 1);
}

/** Throws RpcError. */
export function checkRelay({ http3Url, http2Url, matchDomains, excludedDomains }: Relay): void {
  if (http3Url === "" && http2Url === "")
    refuse("relay", "neither http3_url nor http2_url", "one of them, or both");
  if (http3Url !== "") checkHttps("relay.http3_url", http3Url);
  if (http2Url !== "") checkHttps("relay.http2_url", http2Url);
  checkDomains("relay.match_domains", matchDomains, 1);
  checkDomains("relay.excluded_domains", excludedDomains, 0);
}

/** Throws RpcError. */
export function checkIkev2(ikev2: Ikev2): void {
  checkTitle("ikev2.name", ikev2.name, NAME_MAX_CHARS);
  if (!DOMAIN.test(ikev2.remoteAddress) && !isAddress(ikev2.remoteAddress))
    refuse("ikev2.remote_address", ikev2.remoteAddress, "a host name or an IP address");
  checkTitle("ikev2.remote_identifier", ikev2.remoteIdentifier, NAME_MAX_CHARS);
  checkLine("ikev2.local_identifier", ikev2.localIdentifier, NAME_MAX_CHARS);
  if (ikev2.authenticationMethod !== "SharedSecret")
    refuse("ikev2.authentication_method", ikev2.authenticationMethod, "SharedSecret");
  checkFile("ikev2.shared_secret_file", ikev2.sharedSecretFile);
  checkDomains("ikev2.match_domains", ikev2.matchDomains, 1);
}

/** Throws RpcError. */
export function checkWifi({ ssid, encryption, passwordFile }: Wifi): void {
  checkTitle("wifi.ssid", ssid, SSID_MAX_BYTES);
  if (Buffer.byteLength(ssid) > SSID_MAX_BYTES)
    refuse("wifi.ssid", `${Buffer.byteLength(ssid)} bytes`, `at most ${SSID_MAX_BYTES}`);
  if (!["WPA2", "WPA3", "None"].includes(encryption))
    refuse("wifi.encryption", encryption, "WPA2, WPA3 or None");
  if (encryption !== "None") checkFile("wifi.password_file", passwordFile);
}

/** IPv4 or IPv6, as a URL takes it. */
function isAddress(text: string): boolean {
  if (text.includes(":")) return URL.canParse(`http://[${text}]/`);
  const url = FOUR_NUMBERS.test(text) ? URL.parse(`http://${text}/`) : null;
  return url?.hostname === text;
}

function checkHttps(what: string, url: string): void {
  const parsed = url.length <= URL_MAX_CHARS && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === "https:" && parsed.username === "" && parsed.hash === "") return;
  refuse(what, url, `https://HOST/PATH of at most ${URL_MAX_CHARS} characters`);
}

function checkDomains(what: string, domains: readonly string[], least: number): void {
  if (domains.length < least || domains.length > DOMAINS_MAX)
    refuse(what, domains.length, `${least} to ${DOMAINS_MAX} domains`);
  for (const domain of domains)
    if (!DOMAIN.test(domain)) refuse(what, domain, "a domain such as example.net");
}

function checkFile(what: string, name: string): void {
  if (!FILE_NAME.test(name))
    refuse(what, name, "the name of a file in the folder of secrets (--secrets-dir)");
}
