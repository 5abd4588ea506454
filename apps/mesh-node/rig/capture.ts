/** What goes over a network, by tcpdump. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export const TCPDUMP = "/usr/bin/tcpdump";
/** https://www.tcpdump.org/manpages/pcap-savefile.5.html */
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const ETHERNET_HEADER_BYTES = 14;
const IPV4 = 0x0800;
const UDP = 17;
const UDP_HEADER_BYTES = 8;
/** For what the kernel has not handed on yet. */
const SETTLE_MS = 300;

/**
 * @param launcher a program with its words that becomes another one, in the network's namespace.
 * @param device such as a bridge, or "lo".
 * @returns ends it, and gives the contents of all datagrams of UDP over IPv4.
 */
export async function capture(
  launcher: readonly string[],
  device: string,
): Promise<() => Promise<Buffer[]>> {
  const directory = await mkdtemp(join(tmpdir(), "glassline-capture-"));
  const path = join(directory, "all.pcap");
  const words = ["-i", device, "-U", "-B", "16384", "-s", "0", "-Z", "root", "-w", path, "udp"];
  const [program = TCPDUMP, ...rest] = [...launcher, TCPDUMP, ...words];
  const child = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"] });
  await once(child.stderr, "data");
  return async () => {
    await delay(SETTLE_MS);
    child.kill("SIGINT");
    await once(child, "close");
    const file = await readFile(path);
    await rm(directory, { recursive: true });
    return datagramsOf(file);
  };
}

function datagramsOf(file: Buffer): Buffer[] {
  const datagrams: Buffer[] = [];
  for (let at = FILE_HEADER_BYTES; at < file.length;) {
    const length = file.readUInt32LE(at + 8);
    at += PACKET_HEADER_BYTES;
    const datagram = datagramOf(file.subarray(at, (at += length)));
    if (datagram) datagrams.push(datagram);
  }
  return datagrams;
}

function datagramOf(frame: Buffer): Buffer | undefined {
  if (frame.readUInt16BE(ETHERNET_HEADER_BYTES - 2) !== IPV4) return undefined;
  const packet = frame.subarray(ETHERNET_HEADER_BYTES);
  if (packet[9] !== UDP) return undefined;
  const header = 4 * (packet[0]! & 0x0f);
  return packet.subarray(header + UDP_HEADER_BYTES, packet.readUInt16BE(2));
}
