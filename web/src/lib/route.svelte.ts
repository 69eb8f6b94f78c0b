/** Where we are: the part of the address behind the #. */

class Route {
  parts = $state<string[]>(parse());

  constructor() {
    addEventListener("hashchange", () => {
      this.parts = parse();
      scrollTo(0, 0);
    });
  }
}

function parse(): string[] {
  return location.hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter(Boolean)
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
}

export const route = new Route();

export const sessionLink = (id: string) => `#/sessions/${encodeURIComponent(`id:${id}`)}`;
export const streamLink = (id: string) => `#/streams/${encodeURIComponent(id)}`;
