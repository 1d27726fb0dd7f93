import { useState } from "react";
import { texts } from "../../texts";
import { RadioGroup } from "../components/radio_group";
import { chooseTheme, readTheme, THEMES, type Theme } from "../theme";

/** The appearance of the client in this browser. */
export function AppearanceSettings() {
  const [theme, setTheme] = useState(readTheme);
  const choose = (wanted: Theme): void => {
    chooseTheme(wanted);
    setTheme(wanted);
  };
  return (
    <section>
      <RadioGroup
        label={texts.settings.theme}
        options={THEMES.map((value) => ({ value, label: texts.settings.themes[value] }))}
        value={theme}
        onChange={choose}
      />
      <p className="hint below">{texts.settings.themeHint}</p>
    </section>
  );
}
