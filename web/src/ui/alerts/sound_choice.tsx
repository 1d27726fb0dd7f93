import { Play } from "lucide-react";
import { useId } from "react";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { play, SOUNDS } from "./sounds";
import "./sound_choice.css";

interface Props {
  label: string;
  /** A sound's name, or `default`; null: none. */
  value: string | null;
  /** The label of null. */
  none: string;
  onChange: (sound: string | null) => void;
  disabled?: boolean;
}

/** A choice of sounds, with a button that plays the chosen one. */
export function SoundChoice({ label, value, none, onChange, disabled = false }: Props) {
  const id = useId();
  const { sounds, preview } = texts.alerts;
  const choose = (name: string): void => {
    onChange(name === "" ? null : name);
    if (name !== "") void play(name);
  };
  return (
    <div className="sound-choice">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={shownAs(value)} disabled={disabled} onChange={(event) => choose(event.target.value)}>
        <option value="">{none}</option>
        {SOUNDS.map((name) => (
          <option key={name} value={name}>
            {sounds[name]}
          </option>
        ))}
      </select>
      <IconButton
        icon={Play}
        label={preview(label)}
        disabled={disabled || value === null}
        onClick={() => void play(value ?? SOUNDS[0])}
      />
    </div>
  );
}

function shownAs(value: string | null): string {
  if (value === null) return "";
  return SOUNDS.find((name) => name === value) ?? SOUNDS[0];
}
