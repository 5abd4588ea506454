/** Interfaces whose packets' checksums the kernel itself counts, before they leave. */
import { messageOf } from "@glassline/service/errors";

/** Rejects when the program fails; undefined: it is not there. */
export type RunOptional = (
  program: string,
  words: readonly string[],
  input?: string,
) => Promise<string | undefined>;

/**
 * `ethtool` takes one interface at a time, a process of some milliseconds each. Perl, which Debian always has, asks the kernel the same
 * for all of them: the request SIOCETHTOOL with ETHTOOL_STXCSUM 0. Source: linux/ethtool.h, netdevice(7).
 */
const PERL = `
socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\\n";
while (my $name = <STDIN>) {
  chomp $name;
  my $value = pack("LL", 0x17, 0);
  ioctl($socket, 0x8946, pack("a16 P x16", $name, $value)) or print "$name\\t$!\\n";
}`;

/** @returns what went wrong, by interface; undefined: there is no program for it. */
export async function checksumsOff(
  interfaces: readonly string[],
  run: RunOptional,
): Promise<ReadonlyMap<string, string> | undefined> {
  if (interfaces.length === 0) return new Map();
  const all = `${interfaces.join("\n")}\n`;
  const failed = await run("perl", ["-MSocket", "-e", PERL], all).catch(() => undefined);
  return failed === undefined ? oneByOne(interfaces, run) : problemsIn(failed);
}

function problemsIn(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line): [string, string] => {
      const [name = "", problem = ""] = line.split("\t");
      return [name, `checksum offload of ${name}: ${problem}`];
    }),
  );
}

async function oneByOne(interfaces: readonly string[], run: RunOptional) {
  const problems = new Map<string, string>();
  for (const name of interfaces)
    try {
      const words = ["-K", name, "tx-checksum-ip-generic", "off"];
      if ((await run("ethtool", words)) === undefined) return undefined;
    } catch (error) {
      problems.set(name, messageOf(error));
    }
  return problems;
}
