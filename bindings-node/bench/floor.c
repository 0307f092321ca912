/* The least that a call with a string costs: it is read, and its length is returned. Only the
 * prototypes that are needed, so that no header of Node has to be there. */
#include <stddef.h>
#include <stdint.h>

typedef void *napi_env, *napi_value, *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);

extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_create_uint32(napi_env, uint32_t, napi_value *);
extern int napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);

static napi_value length(napi_env env, napi_callback_info info) {
    napi_value argument, result = NULL;
    size_t count = 1, bytes = 0;
    char text[256];
    napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
    napi_get_value_string_utf8(env, argument, text, sizeof text, &bytes);
    napi_create_uint32(env, (uint32_t)bytes, &result);
    return result;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
    napi_value function = exports;
    napi_create_function(env, NULL, 0, length, NULL, &function);
    return function;
}
