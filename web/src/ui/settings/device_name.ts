import { texts } from "../../texts";

/** By what browsers send; the first match counts, because most name others too. */
const PROGRAMS = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\//, "Chrome"],
  [/Safari\//, "Safari"],
] as const;

const SYSTEMS = [
  [/iPhone|iPad/, "iOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
] as const;

/** Returns a browser and its system, as far as its user agent tells them. */
export function deviceName(userAgent: string | null): string {
  const program = nameIn(PROGRAMS, userAgent ?? "");
  const system = nameIn(SYSTEMS, userAgent ?? "");
  if (program !== undefined) return system === undefined ? program : texts.settings.deviceOn(program, system);
  return system ?? (userAgent?.slice(0, 60) || texts.settings.unknownDevice);
}

function nameIn(table: readonly (readonly [RegExp, string])[], text: string): string | undefined {
  return table.find(([pattern]) => pattern.test(text))?.[1];
}
