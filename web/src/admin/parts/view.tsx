import { type ReactNode, useEffect, useRef } from "react";
import { texts as shared } from "../../texts";
import { texts } from "../texts";

interface Props {
  title: string;
  /** One sentence about what is shown. */
  about?: string;
  /** The way back from an item to its list. */
  back?: { readonly href: string; readonly text: string };
  /** Filters or actions beside the title. */
  tools?: ReactNode;
  children: ReactNode;
}

/** Whether the reader has been led from one view to another; the first view leaves the focus alone. */
let hasShown = false;

/** The frame of each view. The focus moves to its heading, so that screen readers notice the change. */
export function View({ title, about, back, tools, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${texts.consoleOf(shared.name)}`;
  }, [title]);
  useEffect(() => {
    if (hasShown) heading.current?.focus({ preventScroll: true });
    hasShown = true;
  }, []);
  return (
    <>
      <header className="admin-head">
        {back && (
          <a className="admin-back" href={back.href}>
            {back.text}
          </a>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {about && <p>{about}</p>}
        {tools && <div className="admin-tools">{tools}</div>}
      </header>
      {children}
    </>
  );
}
