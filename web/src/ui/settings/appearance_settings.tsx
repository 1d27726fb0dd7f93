import { useState } from "react";
import { isFramed } from "../../embedding/framed";
import { chooseLanguage, readLanguage } from "../../languages/language_choice";
import { LANGUAGES, type Language } from "../../languages/languages";
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
      {!isFramed && <LanguageChoice />}
    </section>
  );
}

/** In a frame, the application chooses; besides, reloading the frame would end its session. */
function LanguageChoice() {
  return (
    <>
      <label className="language">
        {texts.settings.language}
        <select
          defaultValue={readLanguage() ?? ""}
          onChange={({ target }) => chooseLanguage(target.value === "" ? null : (target.value as Language))}
        >
          <option value="">{texts.settings.systemLanguage}</option>
          {Object.entries(LANGUAGES).map(([language, name]) => (
            <option key={language} value={language} lang={language}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <p className="hint below">{texts.settings.languageHint}</p>
    </>
  );
}
