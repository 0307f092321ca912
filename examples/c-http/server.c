/* An HTTP service held to a contract file: server CONTRACT [PORT]
 *   cc server.c $(pkg-config --cflags --libs ratecell libmicrohttpd)
 *
 * It prints the port that it listens on, and serves until its standard input ends. */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>
#include <ratecell.h>

static ratecell_guard *guard;

/* Finds the values of a header field for the guard. */
typedef struct {
    const char *name;
    ratecell_header_visit visit;
    void *state;
} lookup;

static enum MHD_Result each_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value) {
    const lookup *wanted = (const lookup *)context;
    const char *left = name, *right = wanted->name;
    (void)kind;
    while (*left && (*left | ('A' <= *left && *left <= 'Z' ? 0x20 : 0)) == *right) left++, right++;
    if (*left == 0 && *right == 0 && value) wanted->visit(wanted->state, value, strlen(value));
    return MHD_YES;
}

static void find_header(void *connection, const char *name, ratecell_header_visit visit,
                        void *state) {
    lookup wanted = {name, visit, state};
    MHD_get_connection_values((struct MHD_Connection *)connection, MHD_HEADER_KIND, each_header,
                              &wanted);
}

static void set_peer(struct MHD_Connection *connection, ratecell_request *request) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return;
    if (info->client_addr->sa_family == AF_INET) {
        request->peer = (const uint8_t *)&((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr;
        request->peer_len = 4;
    } else if (info->client_addr->sa_family == AF_INET6) {
        request->peer = (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr;
        request->peer_len = 16;
    }
}

static struct MHD_Response *text(const char *body, size_t length, const char *content_type) {
    /* The copy lives as long as the response; the body of a refusal as long as its outcome. */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
    if (response) MHD_add_response_header(response, "Content-Type", content_type);
    return response;
}

static enum MHD_Result answer(void *unused, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **outcome) {
    static const char hello[] = "{\"hello\":\"world\"}";
    ratecell_request request = RATECELL_REQUEST_INIT;
    ratecell_response limits = RATECELL_RESPONSE_INIT;
    ratecell_outcome *held;
    struct MHD_Response *response;
    enum MHD_Result queued;
    (void)unused, (void)version, (void)upload;

    if (*upload_size > 0 || *outcome) { /* more of a body that was asked for before */
        *upload_size = 0;
        return MHD_YES;
    }
    request.method = method;
    request.path = url;
    request.header_function = find_header;
    request.header_context = connection;
    set_peer(connection, &request);
    if (ratecell_admit(guard, RATECELL_STAGE_WHOLE, &request, &limits, &held)) {
        ratecell_error error = RATECELL_ERROR_INIT;
        ratecell_last_error(&error);
        fprintf(stderr, "%s\n", error.message);
        return MHD_NO;
    }
    *outcome = held; /* until the last byte is sent: see done */
    if (limits.status == 0) {
        response = text(hello, sizeof hello - 1, "application/json");
    } else {
        response = text(limits.body, limits.body_len, limits.content_type);
    }
    if (!response) return MHD_NO;
    for (size_t i = 0; i < limits.fields_len; i++) {
        MHD_add_response_header(response, limits.fields[i].name, limits.fields[i].value);
    }
    queued = MHD_queue_response(connection, limits.status ? limits.status : MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

/* The last byte is sent or given up: the request's permits go back. */
static void done(void *unused, struct MHD_Connection *connection, void **outcome,
                 enum MHD_RequestTerminationCode reason) {
    (void)unused, (void)connection, (void)reason;
    ratecell_outcome_release((ratecell_outcome *)*outcome);
}

int main(int count, char **arguments) {
    ratecell_error error = RATECELL_ERROR_INIT;
    struct MHD_Daemon *daemon;
    if (count < 2) {
        fprintf(stderr, "server CONTRACT [PORT]\n");
        return 2;
    }
    if (ratecell_guard_load(arguments[1], NULL, &guard)) {
        ratecell_last_error(&error);
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD,
                              (uint16_t)(count > 2 ? atoi(arguments[2]) : 0), NULL, NULL, answer,
                              NULL, MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_NOTIFY_COMPLETED,
                              done, NULL, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "the port cannot be had\n");
        return 1;
    }
    printf("%u\n", (unsigned)MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    while (getchar() != EOF) continue;
    MHD_stop_daemon(daemon);
    ratecell_guard_destroy(guard);
    return 0;
}
