// Says what a browser shows of HTML as text.
//
// node inner_text.cjs CHROMIUM < one line: {"name": "HTML", …}
//
// Prints {"browser": its version, "mails": {"name": {"text": innerText, "links": every href, "alts": every alt}}}. NODE_PATH says
// where playwright-core is.

const { createInterface } = require("node:readline");
const { chromium } = require("playwright-core");

async function main(executablePath, mails) {
  const browser = await chromium.launch({
    executablePath,
    // The sandbox does not start as root, as which containers run these tests.
    chromiumSandbox: process.getuid() !== 0,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND"],
  });
  try {
    // Programs that show mail run no scripts, and fetch nothing unasked.
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1024, height: 768 } });
    await context.route("**/*", (route) => route.abort());
    const page = await context.newPage();
    const answers = {};
    for (const [name, html] of Object.entries(mails)) {
      await page.setContent(html, { waitUntil: "domcontentloaded" });
      answers[name] = await page.evaluate(() => {
        const all = (selector, attribute) => {
          const values = Array.from(document.querySelectorAll(selector), (element) => element.getAttribute(attribute));
          return [...new Set(values.filter(Boolean))];
        };
        return { text: document.body.innerText, links: all("a, area", "href"), alts: all("img, area", "alt") };
      });
    }
    process.stdout.write(JSON.stringify({ browser: `Chromium ${browser.version()}`, mails: answers }));
  } finally {
    await browser.close();
  }
}

// Who started this holds its standard input open; when that ends, so does this, and the browser with it.
const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit(1));
input.once("line", (line) => {
  main(process.argv[2], JSON.parse(line)).then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
});
