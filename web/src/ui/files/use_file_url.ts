import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useChat } from "../page/chat_context";
import { useReconnects } from "../page/use_reconnects";

interface FileUrl {
  readonly fileUrl: string;
  /** Whether it cannot be loaded, even with a new token. */
  readonly isMissing: boolean;
  /** Another one each time that it is loaded again: the key of an element that stays in its place. */
  readonly attempt: number;
  /** To be called when loading has failed. */
  readonly onFailure: () => void;
  /** Loads it again, when the reader asks for it. */
  readonly retry: () => void;
}

/**
 * Returns the URL of a file. After a failure it tries once more with a new token, and again whenever the connection is
 * back.
 */
export function useFileUrl(path: string): FileUrl {
  const { files } = useChat();
  const [fileUrl, setFileUrl] = useState(() => files.urlOf(path));
  const [isMissing, setMissing] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const tries = useRef(0);
  const renewed = (): Promise<string> => files.renewedUrlOf(path).catch(() => fileUrl);
  const again = async (): Promise<void> => {
    const next = await renewed();
    if (next === fileUrl) setMissing(true);
    else setFileUrl(next);
  };
  const onFailure = (): void => {
    tries.current += 1;
    if (tries.current > 1) setMissing(true);
    else void again();
  };
  const retry = async (): Promise<void> => {
    setFileUrl(await renewed());
    // Its token is as new as can be.
    tries.current = 1;
    setMissing(false);
    setAttempt((before) => before + 1);
  };
  const reconnects = useReconnects();
  const onReconnect = useEffectEvent(() => {
    if (isMissing) void retry();
  });
  useEffect(() => {
    if (reconnects > 0) onReconnect();
  }, [reconnects]);
  return { fileUrl, isMissing, attempt, onFailure, retry: () => void retry() };
}
