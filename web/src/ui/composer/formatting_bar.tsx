import { Bold, Code, Italic, Link, List, type LucideIcon, SquareCode, Strikethrough, TextQuote, X } from "lucide-react";
import type { Format } from "../../chat/writing/formatting";
import { texts } from "../../texts";
import { IconButton } from "../components/icon_button";
import { Toolbar } from "../components/toolbar";
import { keyNames } from "../keyboard/key_names";
import { SHORTCUTS } from "../keyboard/shortcuts";

const label = texts.keys;

const BUTTONS: readonly (readonly [format: Format, icon: LucideIcon, label: string])[] = [
  ["bold", Bold, label.bold],
  ["italic", Italic, label.italic],
  ["strike", Strikethrough, label.strike],
  ["code", Code, label.code],
  ["codeBlock", SquareCode, texts.formatting.codeBlock],
  ["quote", TextQuote, texts.formatting.quote],
  ["list", List, texts.formatting.list],
  ["link", Link, texts.formatting.link],
];

interface Props {
  id: string;
  onFormat: (format: Format) => void;
  onClose: () => void;
}

/** Buttons that format the selected text. */
export default function FormattingBar({ id, onFormat, onClose }: Props) {
  return (
    <Toolbar id={id} label={texts.formatting.title} className="formatting" isReachable>
      {BUTTONS.map(([format, icon, name]) => {
        const keys = SHORTCUTS.find((shortcut) => shortcut.name === format)?.keys[0];
        return (
          <IconButton
            key={format}
            icon={icon}
            label={name}
            title={keys === undefined ? name : `${name} (${keyNames(keys).join("+")})`}
            // The field keeps its selection, and a phone its keyboard.
            onPointerDown={(event) => event.preventDefault()}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onFormat(format)}
          />
        );
      })}
      <IconButton icon={X} label={texts.close} className="close-formatting" onClick={onClose} />
    </Toolbar>
  );
}
