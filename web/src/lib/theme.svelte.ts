/** Light or dark: as the system says, until someone chooses. */

const KEY = "headroom-theme";
type Choice = "system" | "light" | "dark";
const NEXT: Record<Choice, Choice> = { system: "light", light: "dark", dark: "system" };

class Theme {
  choice = $state<Choice>(stored());
  #system = matchMedia("(prefers-color-scheme: dark)");
  /** Counts changes: what is drawn on a canvas has to be drawn again. */
  version = $state(0);

  constructor() {
    this.#apply();
    this.#system.addEventListener("change", () => (this.version += 1));
  }

  next(): void {
    this.choice = NEXT[this.choice];
    localStorage.setItem(KEY, this.choice);
    this.#apply();
    this.version += 1;
  }

  #apply(): void {
    if (this.choice === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", this.choice);
  }
}

function stored(): Choice {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

export const theme = new Theme();
