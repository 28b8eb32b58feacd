/** The names that browsers have among people. The first that fits counts: most claim to be others, too. */
const programs: [RegExp, string][] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\/|Opera/, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/HeadlessChrome\/|Chrome\/|CriOS\//, "Chrome"],
  [/Version\/\S+ .*Safari\//, "Safari"],
  [/^curl\//, "curl"],
  [/^grpc|tonic/i, "gRPC"],
  [/^node|undici/i, "Node.js"],
  [/python/i, "Python"],
];

const systems: [RegExp, string][] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/CrOS/, "ChromeOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** What a program says of itself, in words for people: "Firefox on Windows". */
export function deviceOf(userAgent: string | null): string {
  if (userAgent === null || userAgent === "") {
    return "Unknown program";
  }
  const program = named(programs, userAgent);
  const system = named(systems, userAgent);
  if (program !== undefined) {
    return system === undefined ? program : `${program} on ${system}`;
  }
  return system === undefined ? userAgent.slice(0, 40) : `A browser on ${system}`;
}

/** Whether a program runs on something that is held in a hand. */
export function isHandheld(userAgent: string | null): boolean {
  return /Mobi|Android|iPhone|iPad/.test(userAgent ?? "");
}

function named(names: [RegExp, string][], userAgent: string): string | undefined {
  return names.find(([pattern]) => pattern.test(userAgent))?.[1];
}
