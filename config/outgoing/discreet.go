// SPDX-License-Identifier: Apache-2.0

package outgoing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/oauth2"
)

const (
	hidden     = "<secret>" // in the place of a secret
	leastHid   = 4          // bytes; what is shorter guards nothing, and is in every text
	errorBytes = 1 << 20    // that are read of an error
)

// told are the headers in which nothing secret is sent.
var told = []string{"Accept", "Accept-Encoding", "Content-Type", "Idempotency-Key", "User-Agent"}

// discreet takes the credentials out of what a server says of an error: some
// servers, and proxies before them, repeat what they were sent, and what they
// say stands in logs and reports. An answer that is none is left as it is.
func (c *Client) discreet(resp *http.Response) (*http.Response, error) {
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, errorBytes))
	if err != nil {
		return nil, err
	}
	for _, secret := range slices.Concat(c.secrets, sentSecrets(resp.Request)) {
		for _, written := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if len(secret) >= leastHid {
				body = bytes.ReplaceAll(body, []byte(written), []byte(hidden))
			}
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// sentSecrets are the values of the headers of a request as it left, in the
// forms that a server may repeat.
func sentSecrets(sent *http.Request) (secrets []string) {
	for name, values := range sent.Header {
		if slices.Contains(told, name) {
			continue
		}
		secrets = append(secrets, values...)
		for _, v := range values {
			_, credentials, _ := strings.Cut(v, " ") // behind Bearer or Basic
			secrets = append(secrets, credentials)
		}
	}
	if user, password, ok := sent.BasicAuth(); ok {
		secrets = append(secrets, user+":"+password, password)
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // a part of another goes after it
	return secrets
}

// secretsOf are those of an address: its user, its password, and the values of
// its query.
func secretsOf(u *url.URL) (secrets []string) {
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	if password, ok := u.User.Password(); ok {
		return append(secrets, password)
	}
	return append(secrets, u.User.Username())
}

// tokenError leaves out what a server says that gives no token: it may repeat
// what it was sent.
func tokenError(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return err
	}
	return fmt.Errorf("no token: the server of http_config.oauth2.token_url answers %d %s", refused.Response.StatusCode, http.StatusText(refused.Response.StatusCode))
}
