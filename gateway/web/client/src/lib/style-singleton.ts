/**
 * Stands in for the package `react-style-singleton`, by which Radix's dialogs and menus hold the page behind them still.
 * It adds a `<style>` element, which the Content-Security-Policy refuses; a constructed stylesheet is allowed.
 */
import { useEffect, type ComponentType } from "react";

interface StyleProps {
  styles: string;
}

/** A component that applies its styles while at least one instance of it is mounted. */
export function styleSingleton(): ComponentType<StyleProps> {
  const sheet = new CSSStyleSheet();
  let mounted = 0;

  return function Style({ styles }) {
    useEffect(() => {
      sheet.replaceSync(styles);
      mounted += 1;
      if (mounted === 1) {
        document.adoptedStyleSheets.push(sheet);
      }
      return () => {
        mounted -= 1;
        if (mounted === 0) {
          document.adoptedStyleSheets = document.adoptedStyleSheets.filter((adopted) => adopted !== sheet);
        }
      };
    }, [styles]);
    return null;
  };
}
