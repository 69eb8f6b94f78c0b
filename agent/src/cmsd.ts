import { believable, type Decision } from "./decision.js";

/** Longest header that is looked at; a longer one is treated as absent. */
const MAX_HEADER_LENGTH = 4096;

/**
 * Reads a `CMSD-Dynamic` response header (CTA-5006): a structured-field list with one member for each server on the way,
 * the nearest to the player last. The last member that carries `mb` or `etp` speaks.
 *
 * Returns an empty decision when no member carries either (the cap is lifted), `undefined` when the header is absent or
 * unreadable (nothing is known).
 */
export function parseCmsdDynamic(header: string | null | undefined): Decision | undefined {
  if (!header || header.length > MAX_HEADER_LENGTH) return undefined;
  const members = splitOutsideQuotes(header, ",");
  if (members === undefined) return undefined;
  for (const member of members.reverse()) {
    const parameters = new Map<string, string>();
    for (const part of (splitOutsideQuotes(member, ";") ?? []).slice(1)) {
      const equals = part.indexOf("=");
      if (equals > 0) parameters.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
    }
    if (parameters.has("mb") || parameters.has("etp")) {
      return believable({
        maxBitrateKbps: decimal(parameters.get("mb")),
        expectedThroughputKbps: decimal(parameters.get("etp")),
      });
    }
  }
  return {};
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(\.\d{1,3})?$/.test(text) ? Number(text) : undefined;
}

/** Splits at a separator outside double-quoted strings; `undefined` when a string is left open. */
function splitOutsideQuotes(text: string, separator: string): string[] | undefined {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === "\\") at++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  if (quoted) return undefined;
  parts.push(text.slice(start));
  return parts;
}
