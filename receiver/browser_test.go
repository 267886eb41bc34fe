// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/culprit-dev/culprit/receiver/web/webtest"
)

// Over plain HTTP browsers reveal a form's origin only by the Origin header, unless the host is
// local. The form of the page must still pass the guard.
func TestTheFormOfAPageIsTakenOverPlainHTTP(t *testing.T) {
	ctx := webtest.Browser(t, chromedp.Flag("host-resolver-rules", "MAP culprit.test 127.0.0.1"))
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("there is a report", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	at, err := url.Parse(w.daemon.URL())
	w.must(err)
	path := "/reports/" + w.reports()[0].ID
	for i, c := range []struct{ host, says string }{{"127.0.0.1", "right"}, {"culprit.test", "wrong"}} {
		address := "http://" + c.host + ":" + at.Port() + path
		w.must(chromedp.Do(ctx, chromedp.Navigate(address)))
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("button[value=`+c.says+`]").click(), true`))
		w.must(err)
		w.await(c.host+": what was said is stored", func() bool { return len(w.said()) == i+1 })
		if got := w.said()[i]; !strings.HasPrefix(got, c.says) || !strings.HasSuffix(got, "via page") {
			t.Errorf("%s: %q", c.host, got)
		}
		w.await(c.host+": the browser is back on the page", func() bool {
			got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href`))
			return err == nil && got == address+"#feedback"
		})
	}
}
