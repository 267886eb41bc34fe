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
	hidden     = "<secret>" // replaces a secret
	leastHid   = 4          // bytes; anything shorter protects nothing, and occurs in every text
	errorBytes = 1 << 20    // read of an error
)

// told are the headers that contain no secrets.
var told = []string{"Accept", "Accept-Encoding", "Content-Type", "Idempotency-Key", "User-Agent"}

// discreet removes credentials from a server's error: some servers and proxies repeat what they
// were sent, and their errors end up in logs and reports. Successful answers are unchanged.
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

// sentSecrets returns the values of the headers that were sent, in the forms in which a server may
// repeat them.
func sentSecrets(sent *http.Request) (secrets []string) {
	for name, values := range sent.Header {
		if slices.Contains(told, name) {
			continue
		}
		secrets = append(secrets, values...)
		for _, v := range values {
			_, credentials, _ := strings.Cut(v, " ") // after Bearer or Basic
			secrets = append(secrets, credentials)
		}
	}
	if user, password, ok := sent.BasicAuth(); ok {
		secrets = append(secrets, user+":"+password, password)
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // longest first, because one may contain another
	return secrets
}

// secretsOf returns the secrets of a URL: user, password, and query values.
func secretsOf(u *url.URL) (secrets []string) {
	for _, values := range u.Query() {
		secrets = append(secrets, values...)
	}
	if password, ok := u.User.Password(); ok {
		return append(secrets, password)
	}
	return append(secrets, u.User.Username())
}

// tokenError hides the text of a token server's error, which may repeat what was sent.
func tokenError(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return err
	}
	return fmt.Errorf("no token: the server of http_config.oauth2.token_url answers %d %s", refused.Response.StatusCode, http.StatusText(refused.Response.StatusCode))
}
