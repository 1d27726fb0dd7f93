import { type ReactNode, type RefObject, useRef, useState } from "react";
import { lazyPart } from "../page/lazy_part";
import "./person_button.css";

const PersonCard = lazyPart(() => import("./person_card"));

interface Props {
  userId: string;
  name: string;
  className?: string;
  /** The button, for what else opens the card. */
  ref?: RefObject<HTMLButtonElement | null>;
  children: ReactNode;
}

/** A name or a picture that opens the person's card. */
export function PersonButton({ userId, name, className, ref, children }: Props) {
  const [open, setOpen] = useState(false);
  const own = useRef<HTMLButtonElement>(null);
  const button = ref ?? own;
  return (
    <>
      <button
        type="button"
        ref={button}
        className={["person-button reach", className].filter(Boolean).join(" ")}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      >
        {children}
      </button>
      {open && <PersonCard userId={userId} name={name} anchor={button} onClose={() => setOpen(false)} />}
    </>
  );
}
