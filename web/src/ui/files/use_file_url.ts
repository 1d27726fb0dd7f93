import { useRef, useState } from "react";
import { useChat } from "../chat_context";

interface FileUrl {
  readonly fileUrl: string;
  /** Whether it cannot be loaded, even with a new token. */
  readonly isMissing: boolean;
  /** To be called when loading has failed. */
  readonly onFailure: () => void;
}

/** Returns the URL of a file. After a failure it tries once more with a new token. */
export function useFileUrl(path: string): FileUrl {
  const { files } = useChat();
  const [fileUrl, setFileUrl] = useState(() => files.urlOf(path));
  const [isMissing, setMissing] = useState(false);
  const tries = useRef(0);
  const again = async (): Promise<void> => {
    const renewed = await files.renewedUrlOf(path).catch(() => fileUrl);
    if (renewed === fileUrl) setMissing(true);
    else setFileUrl(renewed);
  };
  const onFailure = (): void => {
    tries.current += 1;
    if (tries.current > 1) setMissing(true);
    else void again();
  };
  return { fileUrl, isMissing, onFailure };
}
