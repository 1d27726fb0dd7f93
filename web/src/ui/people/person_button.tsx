import { type ReactNode, useRef, useState } from "react";
import { lazyPart } from "../page/lazy_part";
import "./person_button.css";

const PersonCard = lazyPart(() => import("./person_card"));

interface Props {
  userId: string;
  name: string;
  className?: string;
  /** For a second button of the same person: the keyboard needs only one. */
  isExtra?: boolean;
  children: ReactNode;
}

/** A name or a picture that opens the person's card. */
export function PersonButton({ userId, name, className, isExtra, children }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        type="button"
        ref={button}
        className={["person-button reach", className].filter(Boolean).join(" ")}
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={isExtra ? name : undefined}
        tabIndex={isExtra ? -1 : undefined}
        onClick={() => setOpen(true)}
      >
        {children}
      </button>
      {open && <PersonCard userId={userId} name={name} anchor={button} onClose={() => setOpen(false)} />}
    </>
  );
}
