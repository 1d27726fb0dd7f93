import { Search } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { setFilters, useAddress } from "../address";

/** How long the reader types nothing before the list follows. */
const PAUSE_MS = 250;

/** A field whose text is a filter in the page's address. `/` leads to the first one of a view. */
export function FilterField({ name, label, isSearch = false }: { name: string; label: string; isSearch?: boolean }) {
  const given = useAddress().filters[name] ?? "";
  const [text, setText] = useState(given);
  const typed = useRef(given);
  // The address changes without the field when the reader goes back, or follows a link.
  useEffect(() => {
    if (given === typed.current) return;
    typed.current = given;
    setText(given);
  }, [given]);
  useEffect(() => {
    if (text.trim() === typed.current) return;
    const timer = setTimeout(() => {
      typed.current = text.trim();
      setFilters({ [name]: typed.current });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [name, text]);
  return (
    <label className={isSearch ? "admin-filter wide" : "admin-filter"}>
      <span className={isSearch ? "hidden" : undefined}>{label}</span>
      <span className="admin-field">
        {isSearch && <Search className="icon" aria-hidden="true" />}
        <input
          type="search"
          value={text}
          placeholder={isSearch ? label : undefined}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={({ target }) => setText(target.value)}
        />
      </span>
    </label>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  /** Texts by value. The empty value is no filter. */
  options: Readonly<Record<string, string>>;
  /** The value where the address has none. */
  fallback?: string;
}

/** A choice that is a filter in the page's address. */
export function FilterChoice({ name, label, options, fallback = "" }: ChoiceProps) {
  const value = useAddress().filters[name] ?? fallback;
  return (
    <label className="admin-filter">
      <span>{label}</span>
      <select value={value} onChange={({ target }) => setFilters({ [name]: target.value })}>
        {Object.entries(options).map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
