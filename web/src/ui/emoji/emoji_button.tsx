import { type LucideIcon, SmilePlus } from "lucide-react";
import { type RefObject, useRef, useState } from "react";
import { IconButton } from "../components/icon_button";
import { lazyPart } from "../page/lazy_part";

const EmojiPopup = lazyPart(() => import("./emoji_popup"));

interface Props {
  label: string;
  onPick: (emoji: string) => void;
  icon?: LucideIcon;
  /** The element that gets the focus afterwards; by default the button. */
  returnTo?: RefObject<HTMLElement | null>;
  placement?: "top-start" | "top-end";
  className?: string;
  "aria-keyshortcuts"?: string;
}

/** A button that opens the emoji picker, which exists only while it is open. */
export function EmojiButton({ label, onPick, icon = SmilePlus, returnTo, placement = "top-start", ...rest }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <IconButton
        ref={button}
        icon={icon}
        label={label}
        {...rest}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      />
      {open && (
        <EmojiPopup
          label={label}
          anchor={button}
          placement={placement}
          returnTo={returnTo ?? button}
          onClose={() => setOpen(false)}
          onPick={(emoji) => {
            setOpen(false);
            onPick(emoji);
          }}
        />
      )}
    </>
  );
}
