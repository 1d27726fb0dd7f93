import { type ChangeEvent, useRef, useState } from "react";
import { isFramed } from "../../embedding/framed";
import { chooseLanguage, readLanguage } from "../../languages/language_choice";
import { LANGUAGES, type Language } from "../../languages/languages";
import { texts } from "../../texts";
import { discardFields, hasChangedField } from "../components/changed_fields";
import { DiscardQuestion } from "../components/dialog";
import { RadioGroup } from "../components/radio_group";
import { chooseTheme, readTheme, THEMES, type Theme } from "../page/theme";

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

/**
 * In a frame, the application chooses; besides, reloading the frame would end its session. Here too the page is loaded
 * again, without what was typed in the settings.
 */
function LanguageChoice() {
  const [language, setLanguage] = useState(readLanguage);
  const [isAsking, setAsking] = useState(false);
  const languages = useRef<HTMLSelectElement>(null);
  const choose = ({ currentTarget }: ChangeEvent<HTMLSelectElement>): void => {
    const wanted = currentTarget.value === "" ? null : (currentTarget.value as Language);
    setLanguage(wanted);
    if (hasChangedField(currentTarget.closest("dialog"))) setAsking(true);
    else chooseLanguage(wanted);
  };
  const keep = (): void => {
    setLanguage(readLanguage());
    setAsking(false);
  };
  const discard = (): void => {
    // The browser would ask again.
    discardFields(languages.current?.closest("dialog") ?? null);
    chooseLanguage(language);
  };
  return (
    <>
      <label className="language">
        {texts.settings.language}
        <select ref={languages} value={language ?? ""} onChange={choose}>
          <option value="">{texts.settings.systemLanguage}</option>
          {Object.entries(LANGUAGES).map(([each, name]) => (
            <option key={each} value={each} lang={each}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <p className="hint below">{texts.settings.languageHint}</p>
      {isAsking && <DiscardQuestion onDiscard={discard} onClose={keep} />}
    </>
  );
}
