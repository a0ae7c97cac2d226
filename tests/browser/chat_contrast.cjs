// Contrast as WCAG 2.2 measures it (sections 1.4.3 and 1.4.11), of everything that is visible in a page.

/** Runs in the page: what has too little contrast, as lines of text. */
function contrastProblems() {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const to = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();

  /** Any CSS color as [red, green, blue, alpha]. */
  function rgba(color) {
    if (!known.has(color)) {
      to.clearRect(0, 0, 1, 1);
      to.fillStyle = color;
      to.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = to.getImageData(0, 0, 1, 1).data;
      known.set(color, [red, green, blue, alpha / 255]);
    }
    return known.get(color);
  }

  const over = ([r, g, b, a], below) => [r, g, b].map((value, at) => value * a + below[at] * (1 - a));

  function background(element) {
    if (!element) return rgba(getComputedStyle(document.documentElement).backgroundColor).slice(0, 3);
    const color = rgba(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, background(element.parentElement));
  }

  function luminance(color) {
    const [red, green, blue] = color.map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function ratio(first, second) {
    const [light, dark] = [luminance(first), luminance(second)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  const problems = [];
  function need(least, color, element, what, below = background(element)) {
    const found = ratio(over(rgba(color), below), below);
    if (found < least) problems.push(`${what}: ${found.toFixed(2)}, not ${least}`);
  }

  const top = document.querySelector("dialog[open]") ?? document.body;
  const name = (element) => `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : `.${element.getAttribute("class")}`}`;
  for (const element of top.querySelectorAll("*")) {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (hasText) need(parseFloat(style.fontSize) >= 24 ? 3 : 4.5, style.color, element, `text of ${name(element)}`);
    if (element.matches("svg.icon, svg.tick")) need(3, style.color, element, `icon in ${name(element.parentElement)}`);
    if (element.matches("[placeholder]")) need(4.5, getComputedStyle(element, "::placeholder").color, element, `placeholder of ${name(element)}`);
    // What one writes into is recognised by its border, or by its own color.
    if (element.matches("#enter input, #compose, .inline-form")) {
      const outside = background(element.parentElement);
      const border = parseFloat(style.borderTopWidth) ? ratio(over(rgba(style.borderTopColor), outside), outside) : 1;
      if (border < 3) problems.push(`border of ${name(element)}: ${border.toFixed(2)}, not 3`);
    }
  }
  return problems;
}

module.exports = { contrastProblems };
