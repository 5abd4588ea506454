/** HTTP-date in its three forms (RFC 9110 section 5.6.7). Pure. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH = MONTHS.join("|");
const DAY = "Mon|Tue|Wed|Thu|Fri|Sat|Sun";
const LONG_DAY = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday";
const TIME = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;
/** Recipients should be robust: names of days and months may be in any case. */
const FORMS = [
  String.raw`(?:${DAY}), (?<day>\d\d) (?<month>${MONTH}) (?<year>\d{4}) ${TIME} GMT`,
  String.raw`(?:${LONG_DAY}), (?<day>\d\d)-(?<month>${MONTH})-(?<year>\d\d) ${TIME} GMT`,
  String.raw`(?:${DAY}) (?<month>${MONTH}) (?<day>[\d ]\d) ${TIME} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`, "i"));

/** A year of two digits that seems to be more than 50 years ahead is of the century before. */
const TWO_DIGITS_AHEAD = 50;

/** Unix milliseconds; undefined for anything else. */
export function httpDate(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  for (const form of FORMS) {
    const parts = form.exec(text)?.groups;
    if (parts) return unixMs(parts, nowMs);
  }
  return undefined;
}

function unixMs(parts: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const month = MONTHS.findIndex((name) => name.toLowerCase() === parts["month"]!.toLowerCase());
  const [day, hour, minute, second] = ["day", "hour", "minute", "second"].map((name) =>
    Number(parts[name]),
  ) as [number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(yearOf(parts["year"]!, nowMs), month, day);
  if (date.getUTCMonth() !== month || hour > 23 || minute > 59 || second > 60) return undefined;
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1_000;
}

function yearOf(digits: string, nowMs: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + TWO_DIGITS_AHEAD ? year - 100 : year;
}

export function formatHttpDate(unixMilliseconds: number): string {
  return new Date(unixMilliseconds).toUTCString();
}
